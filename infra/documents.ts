/** `npm run documents`: writes what is made from the source, so that nobody edits it by hand; tests compare it with what is committed. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { errorsDocument, metricsDocument } from '#mutuel/platform';
import { DASHBOARDS, fileOf } from './observability/dashboards.js';
import { recordsDocument } from './records-document.js';

const root = new URL('../', import.meta.url);
const write = (path: string, text: string): void => writeFileSync(new URL(path, root), text);

write('docs/ERRORS.md', errorsDocument());
write('docs/METRICS.md', metricsDocument());
write('docs/RECORDS.md', recordsDocument());
mkdirSync(new URL('infra/observability/grafana/dashboards', root), { recursive: true });
for (const [name, dashboard] of Object.entries(DASHBOARDS))
  write(`infra/observability/grafana/dashboards/${name}.json`, fileOf(dashboard));
