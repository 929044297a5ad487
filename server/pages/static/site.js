// Copy buttons, and the tray of models to compare. The pages work without.

for (const button of document.querySelectorAll('.copy')) button.hidden = !navigator.clipboard;

document.addEventListener('click', async ({ target }) => {
  const button = target.closest('.copy');
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Press Ctrl+C';
  }
  setTimeout(() => (button.textContent = 'Copy'), 1600);
});

// The tray: ref -> name, kept for the tab.
const tray = document.getElementById('tray');
const MOST = 8;
const chosen = new Map(read());

function read() {
  try {
    return JSON.parse(sessionStorage.getItem('compare')) ?? [];
  } catch {
    return [];
  }
}

function change(ref, name) {
  if (!chosen.delete(ref) && chosen.size < MOST) chosen.set(ref, name);
  sessionStorage.setItem('compare', JSON.stringify([...chosen]));
  show();
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function show() {
  if (!tray) return;
  tray.hidden = chosen.size === 0;
  const address = `${tray.dataset.compare}?${new URLSearchParams([...chosen.keys()].map((ref) => ['models', ref]))}`;
  const entries = [...chosen].map(([ref, name]) => {
    const away = element('button', { type: 'button', className: 'away', textContent: '×', onclick: () => change(ref, name) });
    away.setAttribute('aria-label', `Leave out ${name}`);
    return element('li', {}, name, away);
  });
  const go = chosen.size > 1
    ? element('a', { className: 'button', href: address, textContent: `Compare ${chosen.size}` })
    : element('span', { className: 'hint', textContent: 'Choose another to compare' });
  tray.replaceChildren(element('div', { className: 'wide' }, element('ul', {}, ...entries), go));
  for (const box of document.querySelectorAll('.pick input')) {
    box.checked = chosen.has(box.value);
    box.disabled = !box.checked && chosen.size >= MOST;
  }
  for (const link of document.querySelectorAll('[data-tray]')) {
    link.textContent = chosen.has(link.dataset.tray) ? 'In comparison' : 'Compare';
  }
  for (const button of document.querySelectorAll('#pick-button')) button.hidden = true;
}

if (tray) {
  document.addEventListener('change', ({ target }) => {
    if (target.matches('.pick input')) change(target.value, target.dataset.name);
  });
  document.addEventListener('click', (event) => {
    const link = event.target.closest('[data-tray]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    change(link.dataset.tray, link.dataset.name);
  });
  // What a live form has replaced is new to the tray.
  document.addEventListener('replaced', show);
  addEventListener('pageshow', show);
}
