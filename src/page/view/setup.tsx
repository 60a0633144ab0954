import { useState } from 'preact/hooks';
import { snippet, SNIPPET_FORMS, type SnippetForm } from '../../node-setup.js';
import { useWords } from '../text/words.js';
import { Copyable } from './copy.js';
import { usePageState } from './context.js';

/** Whether a host name works only on the server's own machine. */
function isLoopback(hostname: string): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
}

/** The configuration of this cluster's nodes, ready to copy. */
export function Setup({ name, size }: { name: string; size: number }) {
  const { t } = useWords();
  const [form, setForm] = useState<SnippetForm>('shell');
  const needsToken = usePageState(({ server }) => server?.value.changes === 'token');
  const { hostname, port, protocol } = location;
  const isHttps = protocol === 'https:';
  const text = snippet(form, {
    host: hostname,
    port: port === '' ? (isHttps ? '443' : '80') : port,
    key: name,
    size,
    needsToken,
  });
  const notes = [
    form === 'kubernetes' ? t.setupPod : t.setupNode,
    ...(form === 'shell' ? [t.setupShell] : []),
    ...(form === 'envFile' ? [t.setupEnvFile] : []),
    ...(needsToken ? [t.setupToken] : []),
    ...(isLoopback(hostname) ? [t.setupLoopback(hostname)] : []),
    ...(isHttps ? [t.setupHttps] : []),
    t.setupLegacy,
  ];
  return (
    <section class="card setup" aria-labelledby="setup-title">
      <div class="card-head">
        <h2 id="setup-title">{t.setup}</h2>
        <div class="chips" role="group" aria-label={t.setup}>
          {SNIPPET_FORMS.map((one) => (
            <button
              key={one}
              type="button"
              class="chip"
              aria-pressed={one === form}
              onClick={() => setForm(one)}
            >
              {t.setupForm[one]}
            </button>
          ))}
        </div>
      </div>
      <Copyable key={form} text={text} label={t.setupForm[form]} />
      <ul class="notes">
        {notes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </section>
  );
}
