// The button that turns this browser's notifications on and off (templates/messaging/push_button.html).
// Nothing is asked of the person before they click.
"use strict";

(() => {
  const part = document.querySelector("[data-push-key]");
  if (!part) {
    return;
  }
  const given = part.dataset;

  const show = (state) => {
    part.hidden = false;
    for (const one of part.querySelectorAll("[data-push-state]")) {
      one.hidden = !one.dataset.pushState.split(" ").includes(state);
    }
  };

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

  const written = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");

  async function digest(text) {
    const hashed = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return [...new Uint8Array(hashed)].map((one) => one.toString(16).padStart(2, "0")).join("");
  }

  async function registered() {
    const found = await navigator.serviceWorker.getRegistration(given.pushScope);
    return found && found.scope === new URL(given.pushScope, location.origin).href ? found : null;
  }

  async function active(registration) {
    const worker = registration.installing || registration.waiting;
    if (!registration.active && worker) {
      await new Promise((done) => {
        worker.addEventListener("statechange", () => worker.state === "activated" && done());
      });
    }
    return registration;
  }

  function isOurs(subscription) {
    const key = subscription.options.applicationServerKey;
    return key !== null && written(key) === given.pushKey;
  }

  async function post(address, body) {
    const answer = await fetch(address, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-CSRFToken": part.querySelector("[name=csrfmiddlewaretoken]").value,
      },
      body: JSON.stringify(body),
    });
    if (!answer.ok) {
      throw new Error(`${answer.status}`);
    }
  }

  async function start() {
    if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
      return "unsupported";
    }
    if (Notification.permission === "denied") {
      return "denied";
    }
    const registration = await registered();
    const subscription = registration && (await registration.pushManager.getSubscription());
    const known = given.pushKnown.split(" ");
    const isOn = subscription && isOurs(subscription) && known.includes(await digest(subscription.endpoint));
    return isOn ? "on" : "off";
  }

  async function turnOn() {
    const permission = await Notification.requestPermission();
    if (permission !== "granted") {
      return permission === "denied" ? "denied" : "off";
    }
    const settings = { scope: given.pushScope, updateViaCache: "none" };
    const registration = await active(await navigator.serviceWorker.register(given.pushWorker, settings));
    let subscription = await registration.pushManager.getSubscription();
    if (subscription && !isOurs(subscription)) {
      await subscription.unsubscribe();
      subscription = null;
    }
    subscription ??= await registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: bytes(given.pushKey),
    });
    const { endpoint, keys } = subscription.toJSON();
    await post(given.pushOn, { endpoint, p256dh: keys.p256dh, auth: keys.auth, key: given.pushKey });
    return "on";
  }

  async function turnOff() {
    const registration = await registered();
    const subscription = registration && (await registration.pushManager.getSubscription());
    if (subscription) {
      await post(given.pushOff, { endpoint: subscription.endpoint });
      await subscription.unsubscribe();
    }
    return "off";
  }

  async function attempt(action) {
    show("busy");
    try {
      show(await action());
    } catch {
      show("failed");
    }
  }

  part.querySelector("[data-push-do=on]").addEventListener("click", () => attempt(turnOn));
  part.querySelector("[data-push-do=off]").addEventListener("click", () => attempt(turnOff));
  attempt(start);
})();
