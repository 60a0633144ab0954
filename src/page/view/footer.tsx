import { useWords } from '../text/words.js';
import { usePageState } from './context.js';

export function Footer() {
  const { t, f } = useWords();
  const server = usePageState(({ server }) => server?.value);
  return (
    <footer class="bottom">
      {server && <span>{t.version(server.version)}</span>}
      {server?.servers !== undefined && <span>{t.servers(server.servers, f.number(server.servers))}</span>}
      <span>{t.zone(f.zone)}</span>
      <a href="api">{t.apiLink}</a>
      <a href="metrics">{t.metricsLink}</a>
      <span class="keys">{t.keys}</span>
    </footer>
  );
}
