// Keeps pages as things are now. Without it they work as well, and show what was when they were loaded.
"use strict";

const followed = document.querySelector("[data-follow]");
if (followed && window.EventSource) {
  let isBusy = false;
  let isStale = false;
  // The page as it is now, fetched as everybody fetches it; only its regions change places.
  const refresh = async () => {
    if (isBusy) {
      isStale = true;
      return;
    }
    isBusy = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        document.querySelectorAll("[data-region]").forEach((region) => replace(region, page.getElementById(region.id)));
      }
    } finally {
      isBusy = false;
      if (isStale) {
        isStale = false;
        refresh();
      }
    }
  };
  const replace = (region, fresh) => {
    const active = document.activeElement;
    const isTypedInto = region.contains(active) && active.matches("input, select, textarea");
    if (!fresh || isTypedInto || region.isEqualNode(fresh)) {
      return;
    }
    const focused = region.contains(active) ? active.id : "";
    const open = [...region.querySelectorAll("details[open][id]")].map((details) => details.id);
    region.replaceWith(document.adoptNode(fresh));
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    if (focused) {
      document.getElementById(focused)?.focus();
    }
  };
  new EventSource(followed.dataset.follow).addEventListener("changed", refresh);
  // Ages grow.
  setInterval(() => document.hidden || refresh(), 60_000);
}

const log = document.querySelector("[data-log]");
if (log && window.EventSource) {
  const source = new EventSource(log.dataset.log);
  const longest = 5000;
  let isFresh = true;
  // The stream begins with what the page shows already.
  source.onopen = () => {
    isFresh = true;
  };
  source.onmessage = (event) => {
    const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    if (isFresh) {
      log.replaceChildren();
      isFresh = false;
    }
    log.append(`${event.data}\n`);
    while (log.childNodes.length > longest) {
      log.firstChild.remove();
    }
    if (isAtEnd) {
      log.scrollTop = log.scrollHeight;
    }
  };
  source.addEventListener("end", () => source.close());
  log.scrollTop = log.scrollHeight;
}
