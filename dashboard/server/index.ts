/** The dashboard server's door. */
export { startDashboard, type Dashboard, type DashboardOptions } from './server.ts';
export { openRunFolder, type RunSource } from './log.ts';
export { DashboardError } from './errors.ts';
