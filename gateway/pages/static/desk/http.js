// JSON over fetch with the session's CSRF token; problems (RFC 9457) become errors.

export const csrf = document.querySelector('meta[name="csrf"]').content;

/** POST `body`; the answer's JSON, or an Error whose message can be shown. */
export async function post(path, body = {}) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf, Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? `HTTP ${response.status}`);
  return answer;
}
