// The widget's looks, inside its shadow root so that no site's style reaches it.

export const STYLE = `
:host {
  all: initial;
  --colour: var(--parley-colour, #0f5c6e);
  --on-colour: #fff;
  --paper: #fff; --ground: #f5f7f8; --ink: #14222b; --soft: #586872; --line: #dbe2e6;
  --theirs: #fff; --good: #12805c; --warn: #8a5300; --warn-paper: #fff6e5; --bad: #b3261e;
  --font: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC",
    "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  position: fixed; inset: auto 0 0 auto; z-index: 2147483000;
}
:host([theme="dark"]) {
  --paper: #17212a; --ground: #10181f; --ink: #e7eef2; --soft: #a2b2bd; --line: #2b3944;
  --theirs: #1e2a34; --good: #4ccf97; --warn: #f0b558; --warn-paper: #33270f; --bad: #ff8f87;
}
@media (prefers-color-scheme: dark) {
  :host(:not([theme="light"])) {
    --paper: #17212a; --ground: #10181f; --ink: #e7eef2; --soft: #a2b2bd; --line: #2b3944;
    --theirs: #1e2a34; --good: #4ccf97; --warn: #f0b558; --warn-paper: #33270f; --bad: #ff8f87;
  }
}
* { box-sizing: border-box; margin: 0; font-family: inherit; }
[hidden] { display: none !important; }
.root { font: 15px/1.5 var(--font); color: var(--ink); text-align: start; }
svg { fill: currentColor; display: block; }
button, input, textarea { font: inherit; color: inherit; }
button { cursor: pointer; border: 0; background: none; }
:focus-visible { outline: 3px solid color-mix(in srgb, var(--colour) 55%, #fff); outline-offset: 2px; }

.launcher {
  position: fixed; right: 22px; bottom: 22px; display: flex; align-items: center; gap: 10px;
  min-height: 56px; padding: 0 22px 0 18px; border-radius: 28px; color: var(--on-colour);
  background: var(--colour); font-weight: 600; box-shadow: 0 8px 26px rgb(6 30 40 / 28%);
  transition: transform .16s ease, box-shadow .16s ease;
}
.launcher:hover { transform: translateY(-2px); box-shadow: 0 12px 32px rgb(6 30 40 / 34%); }
.badge {
  position: absolute; top: -5px; right: -3px; min-width: 22px; padding: 0 6px; border-radius: 11px;
  background: #c8321f; color: #fff; font-size: 13px; line-height: 22px; text-align: center;
}
.panel {
  position: fixed; right: 22px; bottom: 22px; width: 384px; height: min(640px, calc(100dvh - 44px));
  display: flex; flex-direction: column; overflow: hidden; border-radius: 18px;
  background: var(--ground); border: 1px solid var(--line); box-shadow: 0 22px 60px rgb(6 24 34 / 32%);
  animation: rise .2s ease;
}
@keyframes rise { from { opacity: 0; transform: translateY(14px); } }
.head {
  display: flex; align-items: center; gap: 12px; padding: 14px 12px 14px 18px;
  background: var(--colour); color: var(--on-colour);
}
.face {
  flex: none; width: 40px; height: 40px; border-radius: 50%; display: grid; place-items: center;
  background: rgb(255 255 255 / 18%); font-weight: 700; letter-spacing: .02em;
}
.who { flex: 1; min-width: 0; }
.who h2 { font-size: 16px; line-height: 1.3; font-weight: 650; }
.who p { font-size: 13px; opacity: .92; overflow: hidden; text-overflow: ellipsis; }
.head button { padding: 9px; border-radius: 10px; color: inherit; }
.head button:hover { background: rgb(255 255 255 / 16%); }
.bar { padding: 8px 18px; font-size: 13px; background: var(--warn-paper); color: var(--warn); }
.scroll { flex: 1; overflow-y: auto; padding: 18px 16px 8px; overscroll-behavior: contain; }
.welcome { padding: 18px; border-radius: 14px; background: var(--paper); border: 1px solid var(--line); }
.welcome strong { display: block; font-size: 16px; margin-bottom: 4px; }
.welcome p { color: var(--soft); font-size: 14px; }
.fields { display: grid; gap: 8px; margin-top: 14px; }
.fields input {
  width: 100%; min-height: 42px; padding: 8px 12px; border-radius: 10px; border: 1px solid var(--line);
  background: var(--ground); color: var(--ink);
}
.fields small { color: var(--soft); font-size: 12.5px; }
.said { margin-top: 14px; display: flex; flex-direction: column; align-items: flex-start; }
.said.same { margin-top: 4px; }
.said.same .by { display: none; }
.said.mine { align-items: flex-end; }
.by { font-size: 12px; color: var(--soft); margin: 0 6px 3px; }
.bubble {
  max-width: 86%; padding: 9px 13px; border-radius: 16px; border-start-start-radius: 5px;
  background: var(--theirs); border: 1px solid var(--line); white-space: pre-wrap; overflow-wrap: anywhere;
}
.mine .bubble {
  background: var(--colour); border-color: transparent; color: var(--on-colour);
  border-radius: 16px; border-start-end-radius: 5px;
}
.bubble a { color: inherit; text-decoration: underline; text-underline-offset: 2px; }
.unsent .bubble { opacity: .62; }
.foot { font-size: 12px; color: var(--soft); margin: 3px 6px 0; }
.foot.bad { color: var(--bad); }
.sources { display: flex; flex-wrap: wrap; gap: 6px; margin: 6px 2px 0; padding: 0; list-style: none; max-width: 92%; }
.sources a {
  display: inline-flex; align-items: center; gap: 6px; padding: 4px 10px; border-radius: 13px;
  background: color-mix(in srgb, var(--colour) 11%, var(--paper)); font-size: 13px; text-decoration: none;
  color: color-mix(in srgb, var(--colour) 70%, var(--ink));
}
.sources a:hover { text-decoration: underline; }
.note { margin: 16px 0 4px; text-align: center; font-size: 13px; color: var(--soft); }
.dots { display: inline-flex; gap: 4px; padding: 14px; }
.dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--soft); animation: blink 1.2s infinite; }
.dots i:nth-child(2) { animation-delay: .18s; } .dots i:nth-child(3) { animation-delay: .36s; }
@keyframes blink { 0%, 70%, 100% { opacity: .28; } 35% { opacity: 1; } }
.card {
  margin: 14px 0 4px; padding: 16px; text-align: center; border-radius: 14px;
  background: var(--paper); border: 1px solid var(--line);
}
.card p { font-weight: 600; }
.stars { display: flex; justify-content: center; gap: 2px; margin-top: 8px; }
.stars button { padding: 6px; color: var(--line); border-radius: 8px; }
.stars button.on { color: #e0a100; }
.choice { display: flex; justify-content: center; gap: 8px; margin-top: 10px; }
.choice button { min-height: 38px; padding: 0 16px; border-radius: 10px; border: 1px solid var(--line); }
.choice button.strong { background: var(--colour); border-color: transparent; color: var(--on-colour); }
form {
  display: flex; align-items: flex-end; gap: 8px; padding: 10px 12px 12px;
  background: var(--paper); border-top: 1px solid var(--line);
}
textarea {
  flex: 1; min-height: 44px; max-height: 132px; padding: 10px 13px; resize: none; border-radius: 13px;
  border: 1px solid var(--line); background: var(--ground); color: var(--ink); line-height: 1.45;
}
textarea::placeholder, input::placeholder { color: var(--soft); opacity: 1; }
.send {
  flex: none; width: 44px; height: 44px; display: grid; place-items: center; border-radius: 13px;
  background: var(--colour); color: var(--on-colour);
}
.send:disabled { opacity: .45; cursor: default; }
.quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 480px) {
  .panel { inset: 0; width: auto; height: 100dvh; border-radius: 0; border: 0; }
  .launcher { right: 16px; bottom: 16px; }
}
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
`;
