import type { Logger } from 'pino';
import { Examiner } from '../../src/doctor/examiner.js';
import { TcpProbe } from '../../src/probe/tcp.js';
import type { RegistryService } from '../../src/runtime/registry-service.js';

/** One that reads when it is asked to, and never by itself, since it is not started. */
export function examinerOf(service: RegistryService, log: Logger, clock?: () => number): Examiner {
  const nacos = { timeout: 1_000 };
  const options = { service, probe: new TcpProbe(), log, nacos, raftOffset: 1_000, isOn: true };
  return new Examiner({ ...options, ...(clock ? { clock } : {}) });
}
