// What makes every page a little quicker to use. Each part stands alone, and every page works without this file.

// Focus goes to what is wrong with a form.
document.querySelector(".errors")?.focus();

// The chosen colours are remembered for the next page.
document.querySelector("[data-theme-choice]")?.addEventListener("change", (event) => {
  const theme = event.target.value;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const age = theme === "system" ? 0 : 31536000;
  document.cookie = `theme=${theme}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
});

// A password can be looked at.
for (const button of document.querySelectorAll("[data-show-password]")) {
  const field = document.getElementById(button.dataset.showPassword);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  });
}

// A code can be copied: <button data-copy="the code" data-copied="Copied" hidden>.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.copied;
  });
}

// The price box takes a code without loading the page: <div data-price-box="address of the box alone"> holds a GET form
// with a field named coupon, and links marked data-price-link that lead to this page with another code or none.
const box = document.querySelector("[data-price-box]");
if (box) {
  // One sentence is announced instead of the whole box.
  const news = document.createElement("p");
  news.className = "sr";
  news.setAttribute("role", "status");
  box.after(news);

  const show = async (code, remember) => {
    const query = code ? `?coupon=${encodeURIComponent(code)}` : "";
    box.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(box.dataset.priceBox + query);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const fresh = page.querySelector("[data-price-box]");
      if (!fresh) throw new Error("The answer holds no price.");
      box.replaceChildren(...fresh.childNodes);
    } catch {
      // The page itself can do what the fragment could not.
      location.assign(location.pathname + query);
      return;
    } finally {
      box.removeAttribute("aria-busy");
    }
    if (remember) history.pushState(null, "", location.pathname + query);
    box.querySelector("[aria-invalid], [data-price-link], [name=coupon]")?.focus();
    const told = [box.querySelector(".price"), box.querySelector(".field__error, .note")];
    news.textContent = told.map((part) => part?.textContent.replace(/\s+/g, " ").trim() ?? "").join(". ");
  };

  box.addEventListener("submit", (event) => {
    const code = event.target.elements.coupon;
    if (event.target.method !== "get" || !code) return;
    event.preventDefault();
    show(code.value.trim(), true);
  });
  box.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-price-link]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(new URL(link.href).searchParams.get("coupon") ?? "", true);
  });
  addEventListener("popstate", () => show(new URLSearchParams(location.search).get("coupon") ?? "", false));
}
