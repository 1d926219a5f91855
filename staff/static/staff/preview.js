// Show the HTML of a message anew in its frame whenever the text beside it was. Without scripts a button does it.
const showAnew = () => {
  const button = document.querySelector("#preview [data-first]");
  if (button === null) {
    return;
  }
  // A new frame each time: what is shown first in a frame is no step of the browser's history.
  const frame = document.querySelector("iframe[name=preview-frame]");
  frame?.replaceWith(frame.cloneNode(false));
  button.click();
};
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "preview") {
    showAnew();
  }
});
document.addEventListener("DOMContentLoaded", showAnew);
