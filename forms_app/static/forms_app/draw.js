// Lets a signature be drawn. Without this script the typed name is the signature; the server judges what was drawn.
"use strict";

(function () {
  const block = document.querySelector("[data-draw]");
  if (!block || !window.SignaturePad) return;
  const canvas = block.querySelector("canvas");
  const kept = block.querySelector("input");
  block.hidden = false;
  const pad = new window.SignaturePad(canvas, { penColor: "#111", minWidth: 1, maxWidth: 3 });
  let width = 0;

  function fit() {
    if (canvas.offsetWidth === width) return;
    width = canvas.offsetWidth;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const strokes = pad.toData();
    canvas.width = width * ratio;
    canvas.height = canvas.offsetHeight * ratio;
    canvas.getContext("2d").scale(ratio, ratio);
    pad.clear();
    if (strokes.length) pad.fromData(strokes);
    else if (kept.value) pad.fromDataURL(kept.value, { ratio, width, height: canvas.offsetHeight });
  }

  pad.addEventListener("endStroke", () => { kept.value = pad.toDataURL("image/png"); });
  block.querySelector("[data-clear]").addEventListener("click", () => { kept.value = ""; pad.clear(); });
  window.addEventListener("resize", fit);
  fit();
})();
