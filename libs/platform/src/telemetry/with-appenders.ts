/** A log with another way to its appenders, for decorators. Everything else is the inner log's, also what its port gets later. */
import type { EventLog, LogAppender } from '#mutuel/runtime';

export function withAppenders(inner: EventLog, appender: () => Promise<LogAppender>): EventLog {
  return new Proxy(inner, {
    get(log, name) {
      if (name === 'appender') return appender;
      const own: unknown = Reflect.get(log, name);
      return typeof own === 'function' ? own.bind(log) : own;
    },
  });
}
