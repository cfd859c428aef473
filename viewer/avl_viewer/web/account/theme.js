/**
 * The colours that were chosen in the console, before anything is drawn: a page that turns from light to dark at once
 * would flash.
 */

{
  const chosen = localStorage.getItem("avl-console-theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
}
