// Forms that update while the reader types: the server renders the page again, and the parts that changed are replaced.

const DELAY = 140; // milliseconds after the last keystroke
document.documentElement.classList.add('scripted');

for (const form of document.querySelectorAll('form[data-live]')) makeLive(form);

function makeLive(form) {
  let pending = null;
  let timer = 0;

  /** The URL the form submits to; empty fields are left out. */
  function formUrl() {
    const url = new URL(form.action, location.href);
    url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ''));
    url.hash = '';
    return url;
  }

  function loadLater() {
    pending?.abort();
    clearTimeout(timer);
    timer = setTimeout(() => load(formUrl(), 'replaceState'), DELAY);
  }

  async function load(url, historyMethod) {
    pending?.abort();
    clearTimeout(timer);
    const controller = (pending = new AbortController());
    const partUrl = new URL(url);
    partUrl.searchParams.append('part', form.dataset.live);
    try {
      const response = await fetch(partUrl, { signal: controller.signal });
      if (!response.ok) throw new Error(response.status);
      const html = await response.text();
      if (controller.signal.aborted) return;
      replaceParts(html);
      history[historyMethod](null, '', url);
    } catch (error) {
      if (error.name !== 'AbortError') location.assign(url);
    }
  }

  form.addEventListener('input', ({ target }) => target.form === form && loadLater());
  form.addEventListener('change', ({ target }) => target.form === form && load(formUrl(), 'replaceState'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    load(formUrl(), 'pushState');
    event.submitter?.closest('[popover]')?.hidePopover?.();
  });
  if (form.dataset.live !== 'list') return;
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-go]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    load(new URL(link.href), 'pushState').then(() => link.rel && document.getElementById('count')?.scrollIntoView());
  });
  addEventListener('popstate', () => location.reload());
}

/** Replaces each element that the response contains by id, and restores the focus. */
function replaceParts(html) {
  const response = new DOMParser().parseFromString(html, 'text/html');
  const active = document.activeElement;
  const [start, end] = active?.type === 'text' || active?.type === 'search' ? [active.selectionStart, active.selectionEnd] : [];
  const id = active?.id;
  const linkText = active?.closest('a[data-go]')?.textContent;
  for (const part of response.body.children) {
    const current = document.getElementById(part.id);
    if (!current) continue;
    // Screen readers announce a live region only if the element stays and its text changes.
    if (part.getAttribute('role') === 'status') {
      if (current.textContent !== part.textContent) current.textContent = part.textContent;
      continue;
    }
    const openIds = [...current.querySelectorAll('details[open]')].map((details) => details.id).filter(Boolean);
    current.replaceChildren(...part.childNodes);
    for (const openId of openIds) document.getElementById(openId)?.setAttribute('open', '');
  }
  document.dispatchEvent(new Event('replaced'));
  if (document.activeElement === active) return;
  const successor = (id && document.getElementById(id))
    || (linkText && [...document.querySelectorAll('a[data-go]')].find((link) => link.textContent === linkText));
  successor?.focus({ preventScroll: true });
  if (start !== undefined && successor) successor.setSelectionRange(start, end);
}
