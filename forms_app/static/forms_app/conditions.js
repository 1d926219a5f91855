// Shows a question only after the answers that it follows. Without this script every question is there, with the words
// that say for whom it is; the server decides in any case.
"use strict";

(function () {
  function answers(form, name) {
    const found = [];
    for (const input of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if ((input.type === "radio" || input.type === "checkbox") && !input.checked) continue;
      if (input.closest("[data-condition][hidden]")) continue;
      if (input.value.trim()) found.push(input.value.trim());
    }
    return found;
  }

  function met(condition, given) {
    if (!given.length) return false;
    const number = parseFloat(given[0].replace(",", "."));
    switch (condition.op) {
      case "is": return given[0] === condition.value;
      case "eq": return number === condition.value;
      case "gte": return number >= condition.value;
      case "lte": return number <= condition.value;
      case "is_any_of": return given.some((one) => condition.value.includes(one));
      default: return true;
    }
  }

  // In the order of the page, so that what follows a hidden question is hidden with it.
  function follow(form) {
    for (const block of form.querySelectorAll("[data-condition]")) {
      const condition = JSON.parse(block.dataset.condition);
      block.hidden = !met(condition, answers(form, condition.input));
    }
  }

  function start(root) {
    for (const form of root.querySelectorAll("form")) {
      if (!form.querySelector("[data-condition]")) continue;
      form.classList.add("follows");
      form.addEventListener("input", () => follow(form));
      follow(form);
    }
  }

  start(document);
  document.addEventListener("htmx:afterSwap", (event) => start(event.target.parentNode || document));
})();
