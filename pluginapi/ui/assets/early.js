// Runs before the first paint, so that a stored theme or a folded rail does not flash. Everything else is in ui.js.
(function () {
  try {
    var root = document.documentElement, theme = localStorage.getItem("ui-theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = root.dataset.choice = theme;
    else if (theme === "auto") delete root.dataset.theme;
    if (localStorage.getItem("ui-rail") === "folded") root.dataset.rail = "folded";
  } catch (e) { /* storage may be forbidden; the defaults do */ }
})();
