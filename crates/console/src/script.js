// Two things a page cannot do by itself: notice that the journal has moved, and be walked by keys.
"use strict";

const status = document.getElementById("stream");

async function again() {
  const field = document.activeElement;
  if (field && field.matches("input, select, textarea")) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const here = rows().indexOf(document.querySelector("tr.here"));
  document.querySelector("main").replaceWith(page.querySelector("main"));
  mark(here);
}

if ("live" in document.body.dataset) {
  const events = new EventSource("/events");
  events.onopen = () => (status.textContent = "● live");
  events.onerror = () => (status.textContent = "○ not connected");
  events.addEventListener("moved", again);
}

const rows = () => [...document.querySelectorAll("main tbody tr")];

function mark(index) {
  const all = rows();
  all.forEach((row, at) => row.classList.toggle("here", at === index));
  all[index]?.scrollIntoView({ block: "nearest" });
}

const places = { i: "/", h: "/held", f: "/flow" };
let going = false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (going && places[event.key]) {
    location.href = places[event.key];
    return;
  }
  going = event.key === "g";
  const here = rows().findIndex((row) => row.classList.contains("here"));
  if (event.key === "j") mark(Math.min(here + 1, rows().length - 1));
  else if (event.key === "k") mark(Math.max(here - 1, 0));
  else if (event.key === "Enter" && here >= 0) rows()[here].querySelector("a")?.click();
  else if (event.key === "/") {
    document.querySelector("form.filter input")?.focus();
    event.preventDefault();
  }
});
