// Keeps the preview beside the form builder up to date while somebody types. Without it there is a button for that.
"use strict";

(function () {
  let timer = 0;
  let asked = 0;
  let unkept = false;

  async function show() {
    const form = document.getElementById("builder");
    const frame = document.querySelector("iframe[name=preview]");
    const mine = ++asked;
    const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form), credentials: "same-origin" });
    if (!answer.ok) return;
    const html = await answer.text();
    if (mine !== asked) return; // a newer one is on its way
    const page = frame.contentDocument;
    const top = page.documentElement ? page.documentElement.scrollTop : 0;
    page.open();
    page.write(html);
    page.close();
    page.documentElement.scrollTop = top;
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(show, 500);
  }

  document.addEventListener("input", (event) => {
    if (!event.target.closest("#builder")) return;
    unkept = true;
    soon();
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!event.target.closest("#builder")) return; // the bell asks too
    unkept = true;
    soon();
  });

  // What is not kept is gone with the page: ask before it goes, but not when the page itself is sent.
  document.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.formTarget !== "preview") unkept = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (unkept) event.preventDefault();
  });
})();
