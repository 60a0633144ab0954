import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { distributions } from './servers/distributions.js';
import { javaCommand } from './servers/java.js';
import { classPath } from './servers/jars.js';
import { JVM, OPENED } from './servers/launch.js';
import type { NacosVersion } from './servers/versions.js';

/*
 * What the official image nacos/nacos-server does when a container starts, without the image: its start script, its
 * settings and its variables, from a checkout of nacos-group/nacos-docker, around a server that is here. Nothing of it is in
 * this repository.
 */

/** A checkout of nacos-docker. */
export interface OfficialImage {
  readonly folder: string;
  /** The Nacos that it is an image of, such as `2.5.3`. */
  readonly version: NacosVersion;
}

/** The checkouts that NACOS_DOCKER names, separated by colons. Throws a sentence for a folder that is none. */
export function officialImages(): readonly OfficialImage[] {
  const folders = (process.env.NACOS_DOCKER ?? '').split(':').filter(Boolean);
  return folders.map((folder) => {
    const dockerfile = join(folder, 'build', 'Dockerfile');
    const version = existsSync(dockerfile)
      ? /^ARG NACOS_VERSION="?v?([\d.]+)/m.exec(readFileSync(dockerfile, 'utf8'))?.[1]
      : undefined;
    if (version !== undefined) return { folder, version };
    throw new Error(
      `NACOS_DOCKER names ${folder}, which is no checkout of nacos-group/nacos-docker: ${dockerfile} with its NACOS_VERSION is missing`,
    );
  });
}

/** An image's start script may be newer than its server, never older: it sets what the server must know. */
export function canStart(image: OfficialImage, version: NacosVersion): boolean {
  return Number.parseInt(image.version) >= Number.parseInt(version);
}

/** What the image brings as variables, with this machine's Java and folder, and as little memory as tests give a node. */
export function imageVariables({ folder }: OfficialImage, home: string): Record<string, string> {
  const text = readFileSync(join(folder, 'build', 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
  const lines = text.split('\n').filter((line) => line.startsWith('ENV '));
  const given = lines.flatMap((line) => [...line.matchAll(/(\w+)="([^"]*)"/g)]);
  const {
    PATH: _,
    CLASSPATH: __,
    ...variables
  } = Object.fromEntries(given.map(([, key, value]) => [key!, value!]));
  return {
    ...variables,
    BASE_DIR: home,
    CLUSTER_CONF: join(home, 'conf', 'cluster.conf'),
    JAVA: javaPath(),
    JAVA_HOME: '',
    JVM_XMS: '256m',
    JVM_XMX: '256m',
    JVM_XMN: '64m',
    // The script is for Java 8, too: options that this Java has no more, and what libraries look into.
    JDK_JAVA_OPTIONS: [
      '-XX:+IgnoreUnrecognizedVMOptions',
      ...JVM.filter((option) => !option.startsWith('-Xm')),
      ...OPENED.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
    ].join(' '),
    // As in servers/launch.ts: a busy machine takes longer for Derby.
    DB_POOL_CONNECTION_TIMEOUT: '300000',
  };
}

function javaPath(): string {
  const command = javaCommand();
  if (command !== 'java') return command;
  return spawnSync('sh', ['-c', 'command -v java'], { encoding: 'utf8' }).stdout.trim();
}

/**
 * Lays out the image's home with a server that is here, and gives the command that starts a container: the Dockerfile's
 * ENTRYPOINT, with BusyBox where its `sh` is Alpine's.
 */
export function imageCommand(
  image: OfficialImage,
  version: NacosVersion,
  home: string,
): [string, ...string[]] {
  const build = join(image.folder, 'build');
  for (const name of ['bin', 'conf', 'logs', 'target']) mkdirSync(join(home, name), { recursive: true });
  const distribution = distributions().find((one) => one.version === version);
  if (distribution) {
    const conf = join(distribution.folder, 'conf');
    // As the Dockerfile has it.
    const names = readdirSync(conf).filter((name) => !/\.(properties|example)$/.test(name));
    for (const name of names) copyOnce(join(conf, name), join(home, 'conf', name));
    copyOnce(
      join(distribution.folder, 'target', 'nacos-server.jar'),
      join(home, 'target', 'nacos-server.jar'),
    );
  } else {
    writeFileSync(join(home, 'conf', 'nacos-logback.xml'), CONSOLE_ONLY);
    makeServerJar(version, join(home, 'target'));
  }
  copyFileSync(join(build, 'conf', 'application.properties'), join(home, 'conf', 'application.properties'));
  copyFileSync(join(build, 'bin', 'docker-startup.sh'), join(home, 'bin', 'docker-startup.sh'));
  const dockerfile = readFileSync(join(build, 'Dockerfile'), 'utf8');
  const [shell] = /^ENTRYPOINT \["(?:sh|bash)"/m.exec(dockerfile) ?? [];
  const start = shell?.endsWith('"sh"') ? ['busybox', 'sh'] : ['bash'];
  return ['sh', '-c', 'cd "$0" && exec "$@" >logs/start.out 2>&1', home, ...start, 'bin/docker-startup.sh'];
}

function copyOnce(from: string, to: string): void {
  if (!existsSync(to)) copyFileSync(from, to);
}

/** The settings of a release have each log in a file of its own; what is fetched brings none. */
const CONSOLE_ONLY = `<configuration>
  <appender name="console" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%date %level %logger{0} %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="console"/></root>
</configuration>
`;

/** A release has one jar with all others in it; this one names the fetched ones. */
function makeServerJar(version: NacosVersion, folder: string): void {
  const jar = join(folder, 'nacos-server.jar');
  if (existsSync(jar)) return;
  const urls = classPath(version)
    .split(':')
    .map((file) => `file:${file}`)
    .join(' ');
  // A line of a manifest has at most 72 bytes.
  const line = `Class-Path: ${urls}`.replace(/.{70}/g, '$&\n ');
  const manifest = join(folder, 'manifest');
  writeFileSync(manifest, `Main-Class: com.alibaba.nacos.Nacos\n${line}\n`);
  const home = process.env.JAVA_HOME;
  const command = home === undefined || home === '' ? 'jar' : join(home, 'bin', 'jar');
  const { status, stderr, error } = spawnSync(command, ['cfm', jar, manifest], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} makes no ${jar}: ${error?.message ?? stderr}`);
}
