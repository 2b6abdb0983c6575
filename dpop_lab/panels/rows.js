// What no widget of ipywidgets has: a pressed button that says so, headings in a list, and a list
// that keeps the keys which JupyterLab would take.
const panel = this.closest('.dpop-lab-panel');
const tell = () => {
  for (const one of panel.querySelectorAll('.widget-toggle-button'))
    one.ariaPressed = one.classList.contains('mod-active');
  for (const one of panel.querySelectorAll('select')) one.dataset.lmSuppressShortcuts = '';
  for (const one of panel.querySelectorAll('select[size] option'))
    one.disabled = one.text.startsWith('—');
};
const what = { subtree: true, childList: true, attributeFilter: ['class'] };
new MutationObserver(tell).observe(panel, what);
tell();
