// Light or dark, before anything is drawn. Not a module: modules run after the first paint.
"use strict";
(() => {
  const CHOICES = ["auto", "light", "dark"];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let choice = "auto";
  try {
    choice = localStorage.getItem("theme") ?? "auto";
  } catch {
    // storage may be forbidden; then the choice lasts as long as the page
  }
  if (!CHOICES.includes(choice)) choice = "auto";

  function apply() {
    const isDark = choice === "dark" || (choice === "auto" && dark.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
  }

  function label() {
    const button = document.getElementById("theme");
    const words = { auto: "automatic", light: "light", dark: "dark" }[choice];
    button.setAttribute("aria-label", `Colours: ${words}`);
    button.title = `Colours: ${words}`;
    button.querySelector("use").setAttribute("href", `#i-${choice}`);
  }

  apply();
  dark.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    label();
    document.getElementById("theme").addEventListener("click", () => {
      choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
      try {
        localStorage.setItem("theme", choice);
      } catch {
        // as above
      }
      apply();
      label();
    });
  });
})();
