import type { HealthTexts } from './health-en.js';

export const healthZh: HealthTexts = {
  title: 'Nacos 自身的看法',
  read: (time) => `${time}前读取`,
  old: (time) => `上次读取节点是在 ${time}前，此后没有新的数据，实际情况可能已有变化。`,
  state: {
    healthy: '健康',
    transient: '变化中',
    attention: '需要留意',
    unhealthy: '不健康',
    unknown: '未知',
  },
  says: {
    healthy: '所有已读取的节点都与此列表一致；每个 Raft 组都有 Leader，投票成员与列表完全相同。',
    transient: '存在不一致，但持续时间仍在正常范围内，可能会自行恢复。',
    attention: '有问题持续存在，但尚未造成损害。',
    unhealthy: '有问题持续存在，并且正在损害集群。',
    unknown: '无法判断 Nacos 是否正常。',
  },
  findings: {
    unreadable: {
      name: '无法读取',
      means: '无法得知某个存活成员自身的状态，因此不作判断。',
      todo: '如果它的 API 需要登录，请在本服务器上设置 NACOS_IDENTITY；如果防火墙阻止本服务器访问它，请放行。',
    },
    'list-differs': {
      name: '列表不同',
      means: '某个节点持有的成员列表与这里的不同。',
      todo: '它是否在轮询本地址服务器，URL 中是否有 self=…？是否有别的程序在写它的 cluster.conf？',
    },
    misnamed: {
      name: '名称不一致',
      means: '某个节点自报的地址与这里列出的不同。在 Nacos 看来这是两个成员，其中一个永远不会响应。',
      todo: '让它使用这里列出的地址（nacos.inetutils.ip-address，官方镜像中为 NACOS_SERVER_IP），或者把 URL 中的 self=… 改为它自报的地址；然后重启它。在此之前不要移除它的任何投票成员。',
    },
    'self-missing': {
      name: '不认识自己',
      means: '某个节点不在它自己的列表中，或者还以另一个名字出现；在 Nacos 看来那是另一个成员。',
      todo: '让它使用这里列出的地址（nacos.server.ip，或 URL 中的 self=…），然后重启它。',
    },
    'not-polling': {
      name: '没有轮询',
      means: '某个节点在运行并有响应，但没有轮询本地址服务器，或者没有以自己的名义轮询。',
      todo: 'address.server.domain 是否仍指向这里，URL 中是否有 self=…？轮询失败的原因见它的 nacos-cluster.log。',
    },
    'clock-skew': {
      name: '时钟不一致',
      means: '某个节点的时钟与其他节点相差较大。Nacos 用它来标记配置和令牌的时间。',
      todo: '请用 NTP 校准。',
    },
    'version-skew': {
      name: '版本不一致',
      means: '各节点运行的 Nacos 版本不同，例如正在升级。',
      todo: '请完成升级。Nacos 1.3.0 到 2.0.2 的 URL 需要 format=json，其他版本则不能有。',
    },
    'no-leader': {
      name: '没有 Leader',
      means: '某个 Raft 组选不出 Leader，因此无法写入。',
      todo: '请启动缺失的节点；如果它们已永久消失，请先恢复列表，再修复 Raft。',
    },
    split: {
      name: '分裂',
      means: '多个节点各自领导同名的 Raft 组，互不知晓：写入一方的数据，另一方没有。',
      todo: '没有命令可以合并它们。请保留数据有效的那个节点，其余节点清空数据目录后逐个重启。',
    },
    'no-voter': {
      name: '不是投票成员',
      means: '某个存活成员不是某个 Raft 组的投票成员，因此得不到该组的数据。',
      todo: '只要它不是刚刚启动，修复即可让它重新成为投票成员，无需重启；如果从未观察到它跟随过 Leader，请手动重启它。',
    },
    'phantom-voter': {
      name: '幽灵投票成员',
      means: '某个投票成员不在列表中：它计入每一次多数派，却从不投票。',
      todo: '如果那里已经没有节点在运行，修复会把它移除。',
    },
  },
  since: (time) => `已持续 ${time}`,
  sinceMaybeNormal: (time) => `已持续 ${time}，短时间内可能是正常的`,
  more: (count) => `还有 ${count} 个`,
  unjudged: '未作判断：',
  repairing: '正在逐步修复 Raft；每一步都记在历史中。',
  command: '请在终端中修复 Raft。下面的命令会列出每一步和可能丢失的数据，确认之后才开始：',
  commandSplit: '下面的命令会列出需要重启哪些节点，以及重启的顺序：',
  commandBoth: '它还会列出因分裂而需要重启的节点，以及重启的顺序。',
  commandLocal: '服务器没有设置令牌：请在它所在的机器上运行，并用 127.0.0.1 指定它（--server）。',
  commandToken: '环境变量 ADDRESS_SERVER_TOKEN 必须是有权修改本集群的令牌。',

  raft: {
    voter: '投票成员',
    someVoter: (count, all) => `投票成员 ${count} / ${all}`,
    noVoter: '不是投票成员',
    voterHelp: (count, all) => `有 Leader 的 ${all} 个 Raft 组中，它是 ${count} 个组的投票成员`,
    leads: (count) => `领导 ${count} 组`,
    leadsHelp: (count) => `其中 ${count} 个组的 Leader 是它`,
    version: (version) => `Nacos ${version}`,
  },
};
