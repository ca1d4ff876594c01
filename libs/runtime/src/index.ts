export * from './decider-life.js';
export * from './decider-runner.js';
export * from './ports.js';
export * from './renewing-appender.js';
export * from './runner-options.js';
export * from './tail-hub.js';
export * from './tail-source.js';
export * from './valid-records.js';
