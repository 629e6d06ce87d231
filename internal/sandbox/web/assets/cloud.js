export function mount(n) { n.textContent='soon'; return () => {}; }
