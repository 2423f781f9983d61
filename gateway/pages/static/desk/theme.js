// Runs before the page is painted: the chosen theme, else the system's.
(() => {
  const chosen = localStorage.getItem("parley.theme");
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = chosen ?? (dark ? "dark" : "light");
})();
