// A form that a button folds out: what the server refuses is said in it, and nothing is sent twice.

/** `submit(form)` does the work and leaves the page; what it throws is shown in the form's notice. */
export function foldedForm(opener, form, submit) {
  opener?.addEventListener("click", () => {
    form.hidden = !form.hidden;
    opener.setAttribute("aria-expanded", String(!form.hidden));
    if (!form.hidden) form.querySelector("input").focus();
  });
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const notice = form.querySelector("[role=alert]");
    const button = form.querySelector("[type=submit]");
    notice.hidden = true;
    button.disabled = true;
    try {
      await submit(form);
    } catch (error) {
      notice.querySelector("span").textContent = error.message;
      notice.hidden = false;
      button.disabled = false;
    }
  });
}
