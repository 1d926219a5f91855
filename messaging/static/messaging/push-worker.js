// Shows what a push service brings and opens the page that belongs to it. It keeps nothing and answers no requests.
"use strict";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data ? event.data.json() : {};
  } catch {
    told = {};
  }
  // Browsers take the permission away from those who show nothing, so something is always shown.
  event.waitUntil(
    self.registration.showNotification(told.title || self.location.hostname, {
      tag: told.tag,
      renotify: Boolean(told.tag),
      lang: told.lang,
      dir: told.dir || "auto",
      icon: "/favicon.ico",
      data: { url: told.url || "/" },
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const page = new URL(event.notification.data.url, self.location.origin);
  if (page.origin === self.location.origin) {
    event.waitUntil(open(page.href));
  }
});

async function open(page) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((one) => one.url === page);
  return there ? there.focus() : self.clients.openWindow(page);
}
