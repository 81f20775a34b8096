// Colour theme: the system's, or the one that was chosen here.  It runs before the first paint,
// which is why it is not a module.

{
  const STORED = "scalewise-theme";
  const root = document.documentElement;

  // Private windows and strict settings may refuse storage; the page works without it.
  const stored = () => {
    try {
      return localStorage.getItem(STORED) ?? "auto";
    } catch {
      return "auto";
    }
  };

  const paint = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };

  paint(stored());
  document.addEventListener("DOMContentLoaded", () => {
    const choice = document.getElementById("theme");
    choice.value = stored();
    choice.onchange = () => {
      paint(choice.value);
      try {
        localStorage.setItem(STORED, choice.value);
      } catch {
        // It then holds until the page is left.
      }
    };
    // Another window of this page follows.
    addEventListener("storage", (event) => {
      if (event.key !== STORED) return;
      choice.value = stored();
      paint(choice.value);
    });
  });
}
