import type { AgentSettingName } from '../../src/agent/settings.js';
import { LOG_LEVELS, type SettingName } from '../../src/config/settings.js';

/** A setting in Chinese, as src/config/settings.ts and src/agent/settings.ts have it in English. */
export interface Translation {
  readonly description: string;
  /** Where the English has one. */
  readonly unset?: string;
}

export const SETTINGS_ZH: Readonly<Record<SettingName, Translation>> = {
  port: { description: '监听端口；0 表示自动选择空闲端口' },
  host: { description: '监听地址', unset: '所有网卡' },
  'database-url': {
    description:
      '成员信息的存放位置：`sqlite:PATH`（默认路径的目录会自动创建，其他目录必须已经存在），或者 `mysql://`、`mariadb://`、`postgres://` 加 `USER:PASSWORD@HOST:PORT/DATABASE`，可带 [TLS 选项](databases.zh-CN.md#tls)；密码最好放在环境变量中，命令行参数对本机所有用户可见',
  },
  migrate: {
    description: '启动时把 MySQL 或 PostgreSQL 数据库的表结构升级到当前版本；`off`（`--no-migrate`）只检查',
  },
  'member-ttl': { description: '超过这个时间没有心跳的成员视为静默；相当于 Nacos 的三次轮询' },
  'evict-after': { description: '静默且端口无响应的成员，经过这个时间后剔除；至少 `30s`' },
  'settle-after': { description: '新成员须被所有成员知晓多久之后，才允许更多节点加入；节点启动慢时请调大' },
  'poll-hold': { description: '须等待的轮询请求挂起多久；最大 `2s`，因为 Nacos 只等 2.5 秒' },
  probe: {
    description:
      '探测静默成员的端口；`off` 表示仅凭静默剔除，用于地址服务器无法访问节点的网络；此时 POST 必须在 `MEMBER_TTL` 之内重复',
  },
  'raft-checks': {
    description:
      '读取 Nacos 节点及其 Raft 组的看法（[诊断](doctor.zh-CN.md)），供规则使用，并在 Raft 中完成成员的移除；不允许本服务器访问节点 API 时设为 `off`',
  },
  'nacos-identity': {
    description:
      '`nacos.core.auth.server.identity` 的 `KEY:VALUE`，用于读取需要登录的节点（3.x 总是需要）。它用于 `nacos/serverlist`；其他集群写作 `PRODUCT/CLUSTER=KEY:VALUE,…`。它会发送给该集群的每个成员（包括此前已在列表中的），因此必须同时设置 `AUTH_TOKEN`（且 `AUTH_MODE=enforce`）或 `ALLOWED_MEMBERS`；最好放在环境变量中',
  },
  'raft-port-offset': { description: '节点的 Raft 端口比主端口小多少' },
  'max-connections': {
    description:
      '同时打开的连接数，见[限制](#限制)；超出时切断空闲最久且不属于成员的连接；进程须能打开同样多的文件（systemd 中的 `LimitNOFILE=`）',
  },
  'auth-token': {
    description:
      '保护一切修改的[令牌](security.zh-CN.md#令牌)，用逗号分隔；`PRODUCT/CLUSTER:TOKEN` 只用于一个集群；一个也没有时，成员自行加入和离开，运维操作只接受来自本机的请求；最好放在环境变量或文件中，命令行参数对本机所有用户可见',
  },
  'auth-token-file': { description: '存放这些令牌的文件，每行一个，`#` 之后是注释；文件变化时重新读取' },
  'auth-mode': {
    description:
      '`enforce`，或者 `warn`：放行没有有效令牌的修改，并显示出来，用于逐步引入令牌；没有令牌时还可以用 `open`：任何能访问该端口的人都可以修改列表',
  },
  'read-token': { description: '同上，用于读取 API、页面和指标；没有时任何人都可以读取' },
  'read-token-file': { description: '存放读取令牌的文件，每行一个；文件变化时重新读取' },
  'allowed-members': {
    description: '可以新加入列表的网段（`10.0.0.0/8`）、地址、主机名和 `*.domain`，用逗号分隔',
    unset: '全部',
  },
  'allowed-hosts': {
    description:
      '浏览器可以用来打开页面和 API 的主机名和 `*.domain`，用逗号分隔；IP 地址、`localhost`、本机主机名、不含点的名称以及 `*.local`、`*.internal`、`*.svc`、`*.cluster.local` 总是可以；`*` 表示全部。程序可以使用任何名称',
  },
  'verify-source': { description: '`self` 是否必须是请求的来源地址' },
  'trusted-proxies': { description: '采信其 `X-Forwarded-For` 的网段和地址，用逗号分隔' },
  'write-rate-limit': {
    description:
      '每个客户端地址每秒可以持续进行的修改次数，瞬时可达十倍；一次写入或删除多个地址时，每个地址都计数；0 表示不限；成员的轮询、心跳和离开从不计入',
  },
  'max-addresses': {
    description:
      '所有集群的地址总数上限（含等待中的和刚刚离开的）；调大时请同时调大内存限制。启动时如果库里更多，只服务最近有心跳的集群，并写入日志',
  },
  'max-clusters': { description: '一台服务器的集群数上限' },
  'client-addresses': {
    description: '不带令牌的一个客户端地址最多可以有多少个等待中或尚未稳定的地址；0 表示不限',
  },
  'client-clusters': { description: '不带令牌的一个客户端地址最多可以新建多少个集群；0 表示不限' },
  'log-level': { description: LOG_LEVELS.join('、') },
};

export const AGENT_SETTINGS_ZH: Readonly<Record<AgentSettingName, Translation>> = {
  server: { description: '同一注册表的各个地址服务器，用逗号分隔，逐个尝试' },
  self: { description: '本节点，与 Nacos 所知的自身地址完全一致；必填' },
  cluster: { description: '哪个列表' },
  'cluster-conf': { description: 'Nacos 读取的文件；它总是整体替换，因此所在目录必须可写' },
  'last-list': {
    description: '最后得到的列表，用于没有任何服务器时的启动',
    unset: '`cluster.conf` 同一目录下的 `address-server.list`',
  },
  expect: { description: '集群由多少成员创建' },
  id: { description: '比地址更持久的稳定标识，例如 Pod 的名称' },
  token: {
    description: '服务器要求时使用的令牌；最好放在环境变量或文件中，因为命令行参数对所有用户可见',
  },
  'token-file': { description: '存放令牌的文件，每次心跳都重新读取' },
  nacos: { description: '在哪里检查本节点的 Nacos 是否存活', unset: '`AGENT_SELF`' },
  listen: {
    description: '提供 `/healthz`、`/readyz` 和 `/settled` 的 `[HOST:]PORT`，供探针使用',
    unset: '不监听',
  },
  'ready-file': { description: 'cluster.conf 有了列表之后创建的文件，供等待的脚本使用' },
  'gate-timeout': { description: '带命令时：到这个时间还没有进入列表就放弃' },
  'start-timeout': { description: '还没有应答过的 Nacos 在多长时间内算作正在启动，并得到续约' },
  leave: { description: '带命令时：停止之前先离开' },
  'hold-back': {
    description: '收到的列表去掉了上一份的多数成员，或者版本更旧，而被去掉的成员仍有响应时，不采用该列表',
  },
  'leave-wait': { description: '离开时等待其他节点采用新列表的时间，最长 `60s`' },
  'log-level': { description: `写到标准错误的日志：${LOG_LEVELS.join('、')}` },
};
