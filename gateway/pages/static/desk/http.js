// JSON over fetch with the session's CSRF token; problems (RFC 9457) become errors.

export const csrf = document.querySelector('meta[name="csrf"]').content;

/** POST `body`; the answer's JSON, or an Error whose message can be shown. */
export const post = (path, body = {}) => send("POST", path, body);

/** The same with another method. */
export async function send(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf, Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? `HTTP ${response.status}`);
  return answer;
}
