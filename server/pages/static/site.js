// Copy buttons, and the tray of models to compare. The pages work without this script.

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

// The tray maps refs to names, and lasts as long as the tab.
const tray = document.getElementById('tray');
const MAX_MODELS = 8;
const selected = new Map(storedSelection());

function storedSelection() {
  try {
    return JSON.parse(sessionStorage.getItem('compare')) ?? [];
  } catch {
    return [];
  }
}

function toggle(ref, name) {
  if (!selected.delete(ref) && selected.size < MAX_MODELS) selected.set(ref, name);
  sessionStorage.setItem('compare', JSON.stringify([...selected]));
  renderTray();
}

function element(tag, properties, ...children) {
  const created = Object.assign(document.createElement(tag), properties);
  created.append(...children);
  return created;
}

function renderTray() {
  if (!tray) return;
  tray.hidden = selected.size === 0;
  const url = `${tray.dataset.compare}?${new URLSearchParams([...selected.keys()].map((ref) => ['models', ref]))}`;
  const items = [...selected].map(([ref, name]) => {
    const remove = element('button', { type: 'button', className: 'away', textContent: '×', onclick: () => toggle(ref, name) });
    remove.setAttribute('aria-label', `Remove ${name}`);
    return element('li', {}, name, remove);
  });
  const action = selected.size > 1
    ? element('a', { className: 'button', href: url, textContent: `Compare ${selected.size}` })
    : element('span', { className: 'hint', textContent: 'Add one more model to compare' });
  tray.replaceChildren(element('div', { className: 'wide' }, element('ul', {}, ...items), action));
  for (const checkbox of document.querySelectorAll('.pick input')) {
    checkbox.checked = selected.has(checkbox.value);
    checkbox.disabled = !checkbox.checked && selected.size >= MAX_MODELS;
  }
  for (const link of document.querySelectorAll('[data-tray]')) {
    link.textContent = selected.has(link.dataset.tray) ? 'Added' : 'Compare';
  }
  for (const button of document.querySelectorAll('#pick-button')) button.hidden = true;
}

if (tray) {
  document.addEventListener('change', ({ target }) => {
    if (target.matches('.pick input')) toggle(target.value, target.dataset.name);
  });
  document.addEventListener('click', (event) => {
    const link = event.target.closest('[data-tray]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    toggle(link.dataset.tray, link.dataset.name);
  });
  // Lists replaced by live.js need their checkboxes set again.
  document.addEventListener('replaced', renderTray);
  addEventListener('pageshow', renderTray);
}
