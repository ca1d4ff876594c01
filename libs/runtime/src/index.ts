export * from './ports.js';
export * from './valid-records.js';
