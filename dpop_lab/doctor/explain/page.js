"use strict";
(() => {
  const PAUSE = 250, AGAIN = 2000, SPEAK = 1500; // milliseconds
  const byId = id => document.getElementById(id);
  const list = byId("entries"), said = byId("said"), count = byId("count");
  const kept = Number(document.body.dataset.kept);
  let { run, newest } = document.body.dataset;
  let paused = false, unsaid = [], speaking = 0, lost = false;

  const say = text => { said.textContent = text; };

  // the newest verdict is announced, and at most every second and a half
  const announce = entry => {
    unsaid.push(entry.said);
    speaking ||= setTimeout(() => {
      const more = unsaid.length > 1 ? `${unsaid.length} new requests, the last: ` : "";
      say(more + unsaid.at(-1));
      unsaid = [];
      speaking = 0;
    }, said.textContent ? SPEAK : 0);
  };

  const counted = () => {
    const all = list.children.length, refused = list.querySelectorAll(":scope > [data-mark=refused]").length;
    count.textContent = `${all} shown here, ${refused} refused`;
  };

  const ready = item => item.querySelectorAll(".copy").forEach(button => { button.hidden = false; });

  // what is there already is never touched: focus, selection and open details stay as they are
  const add = entry => {
    const template = document.createElement("template");
    template.innerHTML = entry.html; // escaped by the server; the page's policy runs no script in it
    const item = template.content.firstElementChild;
    ready(item);
    list.prepend(item);
    for (let last = list.lastElementChild; list.children.length > kept; last = list.lastElementChild) {
      if (last.contains(document.activeElement)) break;
      last.remove();
    }
    if (entry.refused || !list.classList.contains("refused-only")) announce(entry);
  };

  const start = byId("start");
  const close = () => {
    if (!start.contains(document.activeElement)) start.open = false;
  };

  const ask = async () => {
    const answer = await fetch(`explain/since?n=${newest}&run=${encodeURIComponent(run)}`, { cache: "no-store" });
    if (!answer.ok) throw new TypeError(`status ${answer.status}`);
    const feed = await answer.json();
    if (paused) return;
    if (lost) say("The server answers again.");
    lost = false;
    ({ run, newest } = feed);
    if (!feed.entries.length) return;
    if (!list.children.length) close();
    feed.entries.forEach(add);
    counted();
  };

  const poll = async () => {
    let wait = PAUSE;
    try {
      if (!paused) await ask();
    } catch (error) {
      if (!lost) say("The server does not answer. It is asked again every two seconds.");
      lost = true;
      wait = AGAIN;
    }
    setTimeout(poll, wait);
  };

  // the clipboard wants https or this machine; elsewhere the old way copies what is selected
  const copied = async text => {
    if (navigator.clipboard) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch (error) {
        // not allowed: the old way may be
      }
    }
    const focused = document.activeElement, area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused.focus();
    return done;
  };

  list.addEventListener("click", async event => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const text = button.closest("article").querySelector(".curl").textContent;
    const done = await copied(text);
    say(done ? "Copied: the request as curl, without its secrets." : "Not copied: open “As curl” and copy it there.");
    button.textContent = done ? "Copied" : "Not copied";
    setTimeout(() => { button.textContent = "Copy as curl"; }, 2000);
  });

  byId("pause").addEventListener("click", event => {
    paused = !paused;
    event.target.textContent = paused ? "Continue" : "Pause";
    say(paused ? "Paused: what comes now is shown when you continue." : "Continued.");
  });

  byId("clear").addEventListener("click", () => {
    list.replaceChildren();
    counted();
    say("Cleared. Reloading the page brings back what the server still has.");
  });

  byId("refused-only").addEventListener("change", event => {
    list.classList.toggle("refused-only", event.target.checked);
  });

  byId("controls").hidden = false;
  byId("still").hidden = true;
  ready(list);
  counted();
  poll();
})();
