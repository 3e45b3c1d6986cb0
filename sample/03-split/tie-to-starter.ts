/** Leaves it to the starter when this process ends: it sends SIGTERM. Should it die itself, nobody is left to work for. */
export function tieToStarter(): void {
  process.on('SIGINT', () => {}); // Ctrl-C in a terminal reaches every process of the group.
  process.on('disconnect', () => process.exit());
}
