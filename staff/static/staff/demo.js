/* The demo's page: the handset shakes when its screen says that something came, and a pressed clock shows that it works. */
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.querySelector && event.target.querySelector("[data-buzz]") && window.parent !== window) {
    window.parent.postMessage("buzz", window.location.origin);
  }
});
window.addEventListener("message", (event) => {
  const handset = document.getElementById("handset");
  if (event.origin !== window.location.origin || event.data !== "buzz" || !handset) return;
  handset.classList.remove("buzz");
  void handset.offsetWidth; // so that a second message shakes it anew
  handset.classList.add("buzz");
  handset.dataset.buzzed = String(Number(handset.dataset.buzzed || 0) + 1);
  if (navigator.vibrate) navigator.vibrate(120);
});
document.addEventListener("submit", (event) => {
  if (event.target.id === "clock") document.getElementById("passing").hidden = false;
});
