// The video player: a control bar in the site's own shape, captions over the picture, a transcript that follows and
// leads, and the place where the learner stopped. Without this file the browser's own controls do the watching.

const SAVE_EVERY_MS = 10_000;
const SKIP_SECONDS = 5;
const SPEEDS = [1, 1.25, 1.5, 1.75, 2, 0.75];

const clock = (seconds) => {
  const whole = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
};

// A choice that lasts from lesson to lesson, where the browser allows it.
const remembered = {
  get(name) {
    try { return localStorage.getItem(`player-${name}`); } catch { return null; }
  },
  set(name, value) {
    try { localStorage.setItem(`player-${name}`, value); } catch { /* private browsing: the choice lasts for this page */ }
  },
};

function setUpPlayer(player) {
  const video = player.querySelector("video");
  const bar = player.querySelector("[data-bar]");
  const part = (name) => player.querySelector(`[data-${name}]`);
  const [seek, play, time, speed, captions, sound, full] =
    ["seek", "play", "time", "speed", "captions", "sound", "full"].map(part);
  const resumeAt = Number(player.dataset.resumeAt);
  const swapIcon = (button, name) => {
    const use = button.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#i-${name}`));
  };

  // Before anything is loaded, the place to start from is the one that the page remembers.
  let place = resumeAt;
  const length = () => (Number.isFinite(video.duration) && video.duration) || Number(player.dataset.seconds);
  const go = (seconds) => {
    place = Math.min(Math.max(seconds, 0), length());
    if (video.readyState) video.currentTime = place;
    else {
      video.addEventListener("loadedmetadata", () => { video.currentTime = place; }, { once: true });
      video.preload = "metadata";
      video.load();
    }
    show();
  };
  const toggle = () => (video.paused ? start(video) : video.pause());

  function show() {
    const at = clock(place);
    const end = clock(length());
    seek.max = length();
    seek.value = place;
    seek.setAttribute("aria-valuetext", seek.dataset.words.replace("{at}", at).replace("{end}", end));
    time.textContent = `${at} / ${end}`;
  }

  video.controls = false;
  bar.hidden = false;
  const labelPlay = play.getAttribute("aria-label");
  const showPlay = () => {
    swapIcon(play, video.paused ? "play" : "pause");
    play.setAttribute("aria-label", video.paused ? labelPlay : play.dataset.pauseLabel);
  };
  for (const event of ["play", "pause", "ended"]) video.addEventListener(event, showPlay);
  for (const event of ["timeupdate", "seeked"]) {
    video.addEventListener(event, () => { place = video.currentTime; show(); });
  }
  video.addEventListener("durationchange", show);
  video.addEventListener("click", toggle);
  play.addEventListener("click", toggle);
  seek.addEventListener("input", () => go(Number(seek.value)));
  for (const button of player.querySelectorAll("[data-skip]")) {
    button.addEventListener("click", () => go(place + Number(button.dataset.skip)));
  }
  show();

  const setSpeed = (rate) => {
    video.defaultPlaybackRate = video.playbackRate = rate;
    speed.textContent = `${rate}×`;
    speed.setAttribute("aria-label", speed.dataset.words.replace("{n}", rate));
  };
  speed.addEventListener("click", () => {
    const rate = SPEEDS[(SPEEDS.indexOf(video.playbackRate) + 1) % SPEEDS.length];
    setSpeed(rate);
    remembered.set("speed", rate);
  });
  const lastSpeed = Number(remembered.get("speed"));
  if (SPEEDS.includes(lastSpeed)) setSpeed(lastSpeed);

  sound.addEventListener("click", () => { video.muted = !video.muted; });
  video.addEventListener("volumechange", () => sound.setAttribute("aria-pressed", String(!video.muted)));

  // Captions are drawn in the page, where they take its letters and never hide behind the bar.
  const words = part("caption");
  const track = video.textTracks[0];
  const captionsOn = () => captions?.getAttribute("aria-pressed") === "true";
  const showCaption = () => {
    const cue = captionsOn() && track.activeCues?.[0];
    words.textContent = cue ? cue.getCueAsHTML().textContent : "";
    words.hidden = !words.textContent;
  };
  const setCaptions = (on) => {
    captions.setAttribute("aria-pressed", String(on));
    remembered.set("captions", on ? "on" : "off");
    showCaption();
  };
  if (captions && track) {
    track.mode = "hidden";
    track.addEventListener("cuechange", showCaption);
    captions.addEventListener("click", () => setCaptions(!captionsOn()));
    if (remembered.get("captions") === "off") setCaptions(false);
  }

  const toggleFull = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (player.requestFullscreen) player.requestFullscreen();
    else video.webkitEnterFullscreen?.();
  };
  full.addEventListener("click", toggleFull);
  // Where only the bare video fills the screen (phones), it draws the captions itself.
  video.addEventListener("webkitbeginfullscreen", () => { if (track && captionsOn()) track.mode = "showing"; });
  video.addEventListener("webkitendfullscreen", () => { if (track) track.mode = "hidden"; });

  // Keys count while the player has the focus, so that they never take a letter from another field.
  video.tabIndex = 0;
  player.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onButton = event.target.closest("button");
    const keys = {
      " ": () => toggle(), k: () => toggle(),
      ArrowLeft: () => go(place - SKIP_SECONDS), ArrowRight: () => go(place + SKIP_SECONDS),
      c: () => captions && setCaptions(!captionsOn()), f: toggleFull, m: () => sound.click(),
    };
    const deed = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!deed || (event.key === " " && onButton)) return;
    event.preventDefault();
    deed();
  });

  setUpTranscript(video, go);
  if (player.dataset.positionUrl) keepPlace(player, video, () => place);
}

function setUpTranscript(video, go) {
  const list = document.querySelector("[data-cues]");
  if (!list) return;
  const lines = [...list.children].map((item) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...item.firstElementChild.childNodes);
    item.replaceChildren(button);
    return { item, button, starts: Number(item.dataset.starts), words: button.lastElementChild.textContent.toLowerCase() };
  });
  list.addEventListener("click", (event) => {
    const line = lines.find(({ button }) => button.contains(event.target));
    if (!line) return;
    go(line.starts);
    start(video);
  });

  let current;
  const follow = () => {
    const line = lines.findLast(({ starts }) => starts <= video.currentTime + 0.05);
    if (line === current) return;
    current?.button.removeAttribute("aria-current");
    current = line;
    if (!line) return;
    line.button.setAttribute("aria-current", "true");
    if (list.matches(":hover, :focus-within")) return;
    list.scrollTop = line.item.offsetTop - list.offsetTop - (list.clientHeight - line.item.offsetHeight) / 2;
  };
  for (const event of ["timeupdate", "seeked"]) video.addEventListener(event, follow);

  const search = document.querySelector("[data-cue-search]");
  const field = search.querySelector("input");
  const found = search.querySelector("[role=status]");
  search.hidden = false;
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    let count = 0;
    for (const { item, words } of lines) {
      item.hidden = !words.includes(wanted);
      count += !item.hidden;
    }
    found.textContent = wanted ? found.dataset.words.replace("{n}", count).replace("{all}", lines.length) : "";
  });
}

// Whoever pauses before the first picture has come interrupts the start, which is no error.
function start(video) {
  video.play().catch((reason) => { if (reason.name !== "AbortError") throw reason; });
}

// The server learns where the learner is, every few seconds and whenever they stop or leave, and when they are done.
function keepPlace(player, video, place) {
  const token = document.querySelector("[data-done] [name=csrfmiddlewaretoken]").value;
  const post = (address, fields) =>
    fetch(address, {
      method: "POST",
      keepalive: true,
      headers: { "X-CSRFToken": token },
      body: new URLSearchParams(fields),
    });

  let savedSeconds = place();
  let savedAt = 0;
  const save = async () => {
    const seconds = video.ended ? 0 : Math.floor(place());
    if (seconds === savedSeconds) return;
    const before = savedSeconds;
    [savedSeconds, savedAt] = [seconds, Date.now()];
    try {
      await post(player.dataset.positionUrl, { seconds });
    } catch {
      savedSeconds = before; // No network: the next moment tries again.
    }
  };
  video.addEventListener("timeupdate", () => { if (!video.paused && Date.now() - savedAt > SAVE_EVERY_MS) save(); });
  video.addEventListener("play", () => { savedAt = Date.now(); });
  video.addEventListener("pause", save);
  addEventListener("pagehide", save);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") save(); });

  video.addEventListener("ended", async () => {
    const form = document.querySelector("[data-done]");
    if (!form.querySelector("button")) return; // It was done before.
    const response = await post(form.action, {});
    if (response.ok) refresh(await response.text());
  });
}

// What the answer's page says about progress takes the place of what this page says.
function refresh(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const stale of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(stale.id);
    if (fresh && !stale.contains(document.activeElement)) stale.replaceChildren(...fresh.childNodes);
  }
}

for (const player of document.querySelectorAll("[data-player]")) setUpPlayer(player);
