import type { HealthTexts } from './health-en.js';

export const healthZh: HealthTexts = {
  title: 'Nacos 自身的看法',
  read: (time) => `${time}前读取`,
  old: (time) => `节点上次读取是在 ${time}前，此后没有更新的消息：现在的情况可能已经不同。`,
  state: {
    healthy: '健康',
    transient: '变化中',
    attention: '需要留意',
    unhealthy: '不健康',
    unknown: '未知',
  },
  says: {
    healthy: '每个读到的节点的看法都与这里的列表一致，每个 Raft 组都有 Leader，投票成员也与列表完全相同。',
    transient: '有些地方不一致，但持续时间还在正常范围之内，可能会自行消失。',
    attention: '有问题持续存在，目前还没有造成损害。',
    unhealthy: '有问题持续存在，并且正在损害集群。',
    unknown: '无法判断 Nacos 是否正常。',
  },
  findings: {
    unreadable: {
      name: '无法读取',
      means: '不知道某个存活成员自己的看法，因此不对它作判断。',
      todo: '如果它的 API 需要登录，请在本服务器上设置 NACOS_IDENTITY；如果本服务器无法访问它，请放行。',
    },
    'list-differs': {
      name: '列表不同',
      means: '某个节点认定的成员与这里的列表不同。',
      todo: '它是否在轮询本地址服务器，URL 中是否有 self=…？是否有别的程序在写它的 cluster.conf？',
    },
    misnamed: {
      name: '名称不一致',
      means: '某个节点对自己的称呼与这里列出的不同。对 Nacos 来说那是两个成员，其中一个永远不会响应。',
      todo: '让它使用这里列出的地址（nacos.inetutils.ip-address，官方镜像中为 NACOS_SERVER_IP），或者在 URL 的 self=… 中写它自己的地址；然后重启它。在此之前不要移除它的任何投票成员。',
    },
    'self-missing': {
      name: '不认识自己',
      means: '某个节点不在它自己的列表中，或者还以另一个名字出现；对 Nacos 来说那是另一个成员。',
      todo: '让它使用这里列出的地址（nacos.server.ip，或 URL 中的 self=…），然后重启它。',
    },
    'not-polling': {
      name: '没有轮询',
      means: '某个节点在运行并有响应，但没有轮询本地址服务器，或者没有以自己的名义轮询。',
      todo: 'address.server.domain 是否仍指向这里，URL 中是否有 self=…？它的 nacos-cluster.log 会说明轮询遇到了什么。',
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
      means: '某个 Raft 组无法有 Leader，因此什么也写不进去。',
      todo: '请启动缺失的节点；如果它们已永久消失，请先恢复列表，再修复 Raft。',
    },
    split: {
      name: '分裂',
      means: '有节点各自领导同名的组，彼此互不认识：写到一边的数据，另一边没有。',
      todo: '没有命令可以合并它们。请保留数据有效的那个节点，其余节点清空数据目录后逐个重启。',
    },
    'no-voter': {
      name: '不是投票成员',
      means: '某个存活成员不是某个 Raft 组的投票成员，因此得不到该组的数据。',
      todo: '如果它不是刚刚启动，修复可以让它重新成为投票成员，不需要重启；从未被看到跟随过的成员要人工重启。',
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
