// Forms that answer while one types: the same page is fetched, and the parts of it that changed are put in place.

const WAIT = 140;
document.documentElement.classList.add('scripted');

for (const form of document.querySelectorAll('form[data-live]')) enliven(form);

function enliven(form) {
  let under = null;
  let timer = 0;

  /** The address the form stands for; what is empty is left out. */
  function address() {
    const asked = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ''));
    const found = new URL(form.action, location.href);
    found.search = asked;
    found.hash = '';
    return found;
  }

  function later() {
    under?.abort();
    clearTimeout(timer);
    timer = setTimeout(() => go(address(), 'replaceState'), WAIT);
  }

  async function go(url, remember) {
    under?.abort();
    clearTimeout(timer);
    const own = (under = new AbortController());
    const part = new URL(url);
    part.searchParams.append('part', form.dataset.live);
    try {
      const response = await fetch(part, { signal: own.signal });
      if (!response.ok) throw new Error(response.status);
      const text = await response.text();
      if (own.signal.aborted) return;
      put(text);
      if (remember) history[remember](null, '', url);
    } catch (error) {
      if (error.name !== 'AbortError') location.assign(url);
    }
  }

  form.addEventListener('input', ({ target }) => target.form === form && later());
  form.addEventListener('change', ({ target }) => target.form === form && go(address(), 'replaceState'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    go(address(), 'pushState');
    event.submitter?.closest('[popover]')?.hidePopover?.();
  });
  if (form.dataset.live !== 'list') return;
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-go]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(new URL(link.href), 'pushState').then(() => link.rel && document.getElementById('count')?.scrollIntoView());
  });
  addEventListener('popstate', () => location.reload());
}

/** Puts every part of an answer where the part of that id is, and the focus back where it was. */
function put(text) {
  const answer = new DOMParser().parseFromString(text, 'text/html');
  const active = document.activeElement;
  const [start, end] = active?.type === 'text' || active?.type === 'search' ? [active.selectionStart, active.selectionEnd] : [];
  const id = active?.id;
  const label = active?.closest('a[data-go]')?.textContent;
  for (const part of answer.body.children) {
    const held = document.getElementById(part.id);
    if (!held) continue;
    // A live region is announced only when it stays and its text changes.
    if (part.getAttribute('role') === 'status') {
      if (held.textContent !== part.textContent) held.textContent = part.textContent;
      continue;
    }
    const opened = [...held.querySelectorAll('details[open]')].map((each) => each.id).filter(Boolean);
    held.replaceChildren(...part.childNodes);
    for (const each of opened) document.getElementById(each)?.setAttribute('open', '');
  }
  document.dispatchEvent(new Event('replaced'));
  if (document.activeElement === active) return;
  const again = (id && document.getElementById(id))
    || (label && [...document.querySelectorAll('a[data-go]')].find((each) => each.textContent === label));
  again?.focus({ preventScroll: true });
  if (start !== undefined && again) again.setSelectionRange(start, end);
}
