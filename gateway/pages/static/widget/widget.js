// The one-liner: <script src="https://host/widget.js" async></script>
// Options as data attributes: data-language, data-token, data-colour, data-theme, data-open.
(() => {
  const script = document.currentScript;
  if (!script || window.Parley) return;
  const server = new URL(script.src).origin;
  const options = { server, ...script.dataset };
  // Calls made before the widget has loaded are kept and done then.
  const early = [];
  window.Parley = {
    open: (text) => early.push(["open", text]),
    close: () => early.push(["close"]),
    identify: (token) => early.push(["identify", token]),
  };
  import(`${server}/static/widget/app.js`)
    .then(({ mount }) => {
      window.Parley = mount(options);
      for (const [name, ...args] of early) window.Parley[name](...args);
    })
    .catch((error) => console.error("The chat could not be loaded.", error));
})();
