// Show the HTML of a message anew in its frame whenever the text beside it was. Without scripts a button does it.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "preview") {
    document.querySelector("#preview [data-first]")?.click();
  }
});
document.addEventListener("DOMContentLoaded", () => document.querySelector("#preview [data-first]")?.click());
