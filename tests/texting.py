"""Customers who text: the provider's signed webhooks, as they come over the wire."""

import httpx

from channels.twilio_api import sign
from router.model import new_id
from tests.house import House

TOKEN = "demo-token"
OUR_NUMBER = "+37160000200"


def text_in(house: House, number: str, text: str, sid: str = "") -> httpx.Response:
    """One SMS to us, signed as the provider signs."""
    url = f"{house.url}/twilio/sms"
    form = {
        "MessageSid": sid or f"SM{new_id()}",
        "AccountSid": "ACdemo",
        "From": number,
        "To": OUR_NUMBER,
        "Body": text,
        "NumMedia": "0",
    }
    headers = {"X-Twilio-Signature": sign(TOKEN, url, list(form.items()))}
    return httpx.post(url, data=form, headers=headers, timeout=20)
