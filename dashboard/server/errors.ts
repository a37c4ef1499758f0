/** What the dashboard server throws: its message says what to do. */
export class DashboardError extends Error {
  override readonly name = 'DashboardError';
}
