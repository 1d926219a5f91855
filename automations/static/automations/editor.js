/* The rule editor in the browser. django-jsonform draws the lines; this names them for assistive technology, hides the
   inputs that an operator or a timing does not use, follows the trigger, and keeps the sentence beside them true. */
(function () {
  "use strict";

  var PARTS = ["trigger_config", "conditions", "actions"];
  var EXTRA = "extra__";
  var words = {};
  var hidden = { op: {}, when__mode: {} };
  var signatures = {};
  var stopsTouched = false;

  function instance(part) {
    return window.reactJsonForm.getFormInstance("id_" + part + "_jsonform");
  }

  // A rule, or a segment: whatever has conditions.
  function theForm() {
    var part = container("conditions");
    return part && part.closest("form");
  }

  function container(part) {
    return document.querySelector('[data-rule-part="' + part + '"]');
  }

  function later(wait, call) {
    var timer = null;
    return function () {
      window.clearTimeout(timer);
      timer = window.setTimeout(call, wait);
    };
  }

  function children(element, selector) {
    return element ? Array.prototype.filter.call(element.children, function (one) { return one.matches(selector); }) : [];
  }

  function set(element, name, value) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }

  function say(element, text) {
    if (text && element.textContent !== text) element.textContent = text;
  }

  /* --- dressing what django-jsonform drew: the schema, the data and the elements are walked side by side --- */

  function dress(part) {
    var form = instance(part);
    var root = container(part);
    var fieldset = root && root.querySelector("fieldset");
    if (!form || !fieldset) return;
    var schema = form.getSchema();
    var walk = { part: part, item: (schema.$defs || {}).item };
    set(fieldset, "aria-label", root.dataset.label || part);
    var top = fieldset.children[0];
    if (!top) return;
    if (schema.type === "array") dressList(top, schema, form.getData() || [], part, walk);
    else dressGroup(top, schema, form.getData() || {}, part, walk, []);
  }

  function inner(group) {
    return children(children(group, "div")[0], ".rjf-form-group-children")[0] || group.querySelector(".rjf-form-group-children");
  }

  function dressGroup(group, schema, data, name, walk, hide) {
    var keys = Object.keys(schema.properties || {});
    var rows = inner(group);
    if (!rows) return;
    children(rows, ":not(.rjf-error-text)").forEach(function (row, index) {
      var key = keys[index];
      if (key === undefined) return;
      set(row, "data-key", key);
      row.hidden = hide.indexOf(key) >= 0 || (key === EXTRA && !data[key]);
      var below = schema.properties[key];
      if (below.type === "array") dressList(row, below, data[key] || [], name + "." + key, walk, key);
      else if (below.type === "object") {
        set(row, "data-empty", String(!((data[key] || {}).items || []).length));
        dressGroup(row, below, data[key] || {}, name + "." + key, walk, []);
      } else dressInput(row, below, name + "." + key);
    });
  }

  function dressList(element, schema, data, name, walk, key) {
    var items = schema.items.$ref ? walk.item : schema.items;
    var group = element.matches(".rjf-form-group-wrapper") ? children(element, ".rjf-form-group")[0] : element;
    var kinds = items.oneOf;
    var add = group.querySelector(":scope > div > .rjf-add-button");
    if (add) say(add, kinds ? (walk.part === "actions" && !key ? words.addAction : words.add) : words.addValue);
    if (items.widget === "multiselect") return dressChoice(group, schema.title);
    var rows = children(inner(group), ".rjf-form-group-wrapper, .rjf-form-row");
    rows.forEach(function (row, index) {
      var label = (kinds ? (walk.part === "actions" && !key ? words.action : words.field) : schema.title) + " " + (index + 1);
      dressControls(row, label);
      if (!kinds) dressText(row, label, name + "." + index);
      else dressItem(row, kinds, data[index] || {}, name + "." + index, walk, label);
    });
  }

  function dressControls(row, label) {
    var texts = { "rjf-remove-button": words.remove, "rjf-move-up-button": words.up, "rjf-move-down-button": words.down };
    children(row, ".rjf-form-row-controls").forEach(function (controls) {
      Array.prototype.forEach.call(controls.children, function (button) {
        Object.keys(texts).forEach(function (name) {
          if (button.classList.contains(name)) set(button, "aria-label", texts[name] + ": " + label);
        });
      });
    });
  }

  function dressItem(row, kinds, data, name, walk, label) {
    var box = children(row, ".rjf-oneof-group")[0];
    var select = box && box.querySelector(":scope > .rjf-oneof-selector select");
    if (!select) return;
    var kind = kinds[Number(select.value)] || kinds[0];
    var field = kind.properties.field || kind.properties.type || {};
    set(select, "aria-label", label);
    set(select, "title", kind.description || "");
    set(box, "data-kind", field.const || "none");
    set(box, "data-part", kind.properties.type ? "action" : "condition");
    box.toggleAttribute("data-off", data.disabled === true);
    var plain = Object.keys(kind.properties).filter(function (key) { return !/^(field|op|match|items|extra__|value_.*)$/.test(key); });
    box.toggleAttribute("data-more", plain.length > 0);
    var hide = (hidden.op[field.const] || {})[data.op] || [];
    if (kind.properties.when__mode) hide = (hidden.when__mode[""] || {})[data.when__mode] || [];
    var group = children(box, ".rjf-form-group")[0];
    if (group) dressGroup(group, kind, data, name, walk, hide);
  }

  function dressInput(row, schema, name) {
    var control = row.querySelector("input, select, textarea");
    var label = row.querySelector("label");
    if (!control) return;
    var id = "rule." + name;
    if (control.type !== "hidden") {
      if (control.id !== id) control.id = id;
      if (label && !label.contains(control) && label.htmlFor !== id) label.htmlFor = id;
      if (!label) set(control, "aria-label", schema.title || name);
    }
    var blank = control.tagName === "SELECT" && control.options[0];
    if (blank && blank.value === "" && blank.disabled) say(blank, words.choose);
    describe(row, control, id);
  }

  function dressText(row, label, name) {
    var control = row.querySelector("input, textarea");
    if (!control) return;
    set(control, "aria-label", label);
    describe(row, control, "rule." + name);
  }

  function dressChoice(group, title) {
    var box = group.querySelector(".rjf-multiselect-field-input");
    if (!box) return;
    var list = group.querySelector(".rjf-multiselect-field-options-container");
    set(box, "role", "combobox");
    set(box, "aria-haspopup", "dialog");
    set(box, "aria-label", title);
    set(box, "aria-expanded", String(Boolean(list)));
    if (list) {
      if (!list.id) list.id = "rule-list-" + Math.random().toString(36).slice(2);
      set(list, "role", "dialog");
      set(list, "aria-label", title);
      set(box, "aria-controls", list.id);
    } else box.removeAttribute("aria-controls");
    Array.prototype.forEach.call(box.querySelectorAll(".rjf-multiselect-field-input-item"), function (item) {
      var button = item.querySelector("button");
      if (button) set(button, "aria-label", words.remove + ": " + item.firstChild.textContent);
    });
    say(box.querySelector(".rjf-multiselect-field-input-placeholder") || {}, words.choose);
  }

  function describe(row, control, id) {
    var errors = row.querySelectorAll(".rjf-error-text");
    if (!errors.length) {
      control.removeAttribute("aria-describedby");
      control.removeAttribute("aria-invalid");
      return;
    }
    Array.prototype.forEach.call(errors, function (one, index) { one.id = id + ".error" + index; });
    set(control, "aria-invalid", "true");
    set(control, "aria-describedby", Array.prototype.map.call(errors, function (one) { return one.id; }).join(" "));
  }

  /* --- what is asked of the server while somebody types --- */

  function post(address, then, more) {
    var body = new FormData(theForm());
    body.append("rule", words.rule || "");
    Object.keys(more || {}).forEach(function (key) { body.append(key, more[key]); });
    if (post.running[address]) post.running[address].abort();
    var abort = (post.running[address] = new AbortController());
    window
      .fetch(address, { method: "POST", body: body, credentials: "same-origin", signal: abort.signal })
      .then(function (response) { return response.ok ? response : Promise.reject(response.status); })
      .then(then)
      .catch(function () { return null; });
  }
  post.running = {};

  var tell = later(350, function () {
    var box = document.getElementById("rule-sentence");
    post(words.address, function (response) {
      return response.text().then(function (html) { box.innerHTML = html; });
    });
  });

  function show(id, address, more) {
    var box = document.getElementById(id);
    if (!box) return;
    post(address, function (response) {
      return response.text().then(function (html) { box.innerHTML = html; });
    }, more);
  }

  var count = later(900, function () { show("rule-often", words.often); });

  function tryOn(more) {
    var typed = document.getElementById("rule-try-patient");
    show("rule-trial", words.trial, more || { try_patient: typed.value });
  }

  function startTrying() {
    var button = document.getElementById("rule-try");
    if (!button) return;
    button.addEventListener("click", function () { tryOn(); });
    document.getElementById("rule-try-patient").addEventListener("keydown", function (event) {
      if (event.key !== "Enter") return;
      event.preventDefault();
      tryOn();
    });
    document.getElementById("rule-trial").addEventListener("click", function (event) {
      var chosen = event.target.closest("[data-try-id]");
      if (chosen) tryOn({ try_id: chosen.dataset.tryId });
    });
  }

  function followTrigger() {
    post(words.lines, function (response) {
      return response.json().then(function (answer) {
        hidden = answer.hidden;
        Object.keys(answer.parts).forEach(function (part) {
          var form = instance(part);
          if (form) form.update({ schema: answer.parts[part].schema, data: answer.parts[part].data, errorMap: {} });
        });
        if (!stopsTouched) offerStops(answer.stop_on);
        refresh();
        tell();
        count();
      });
    });
  }

  function offerStops(keys) {
    Array.prototype.forEach.call(document.querySelectorAll('input[name="stop_on"]'), function (box) {
      box.checked = keys.indexOf(box.value) >= 0;
    });
  }

  /* --- the whole --- */

  function refresh() {
    PARTS.forEach(dress);
    var config = instance("trigger_config");
    var row = container("trigger_config");
    if (!config || !row) return;
    var line = row.closest(".field-trigger_config") || row;
    line.hidden = Object.keys(config.getSchema().properties || {}).length < 2;
    var mode = document.getElementById("id_reentry_mode");
    var days = document.getElementById("id_reentry_days");
    var days_line = days && days.closest(".field-reentry_days");
    if (days_line) days_line.hidden = mode.value !== "once_per_days";
  }

  function signature(part) {
    function kinds(items) {
      return (items || []).map(function (one) {
        return [one.field || one.type, one.id || "", kinds(one.items), kinds((one.only_if || {}).items)];
      });
    }
    var data = instance(part).getData();
    return JSON.stringify(kinds(Array.isArray(data) ? data : data.items));
  }

  function watch(part) {
    var form = instance(part);
    if (!form) return;
    signatures[part] = signature(part);
    form.addEventListener("change", function () {
      var now = signature(part);
      if (now !== signatures[part]) {
        signatures[part] = now;
        // The marks of the last check stand by line numbers; lines have moved, so they would point at the wrong ones.
        form.update({ errorMap: {} });
      }
      refresh();
      tell();
      count();
    });
    new MutationObserver(later(0, function () { dress(part); })).observe(container(part), { childList: true, subtree: true });
  }

  function keys(event) {
    var box = event.target.closest && event.target.closest(".rjf-multiselect-field-input");
    if (!box || event.target !== box) return;
    if (event.key === "Enter" || event.key === " " || event.key === "ArrowDown") {
      event.preventDefault();
      box.click();
      window.setTimeout(function () {
        var first = box.closest(".rjf-multiselect-field").querySelector(".rjf-multiselect-field-options-container input");
        if (first) first.focus();
      }, 30);
    }
  }

  function leave(event) {
    if (event.key !== "Escape") return;
    var field = event.target.closest && event.target.closest(".rjf-multiselect-field");
    if (!field || !field.querySelector(".rjf-multiselect-field-options-container")) return;
    var box = field.querySelector(".rjf-multiselect-field-input");
    box.click();
    box.focus();
  }

  function start() {
    var box = document.getElementById("rule-sentence");
    var form = theForm();
    var config = document.getElementById("rule-hidden");
    if (!box || !form || !config || !window.reactJsonForm) return;
    words = box.dataset;
    hidden = JSON.parse(config.textContent);
    stopsTouched = Boolean(words.rule);
    PARTS.forEach(watch);
    refresh();
    form.addEventListener("keydown", keys);
    form.addEventListener("keydown", leave);
    form.addEventListener("change", function (event) {
      if (event.target.name === "trigger_event" || event.target.name === "clinic") return followTrigger();
      if (event.target.name === "stop_on") stopsTouched = true;
      if (event.target.name === "reentry_mode") refresh();
      tell();
      count();
    });
    startTrying();
    count();
    document.documentElement.classList.add("rule-ready");
  }

  // django-jsonform starts on DOMContentLoaded too, from a script before this one.
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", function () { window.setTimeout(start, 0); });
  else window.setTimeout(start, 0);
})();
