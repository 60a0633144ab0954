import type { CommandName, EXIT_STATUSES } from '../../src/exit-status.js';

/** What src/exit-status.ts says in English; a status that lacks here, or is too many, does not compile. */
type Translated = {
  readonly [C in CommandName]: { readonly [S in keyof (typeof EXIT_STATUSES)[C]]: string };
};

const ASKED = '被拒绝，或者无法访问地址服务器';
const NOT_CONFIRMED = '被拒绝、未确认，或者无法访问地址服务器';
const WRONG = '某个设置或数据库不可用，需要人来处理';

export const EXIT_STATUSES_ZH: Translated = {
  serve: {
    done: '按要求停止',
    refused: '停止时出错、超时，或者被第二个信号打断',
    later: '下一次启动可能成功：磁盘已满、文件或端口被占用、名称服务器没有响应',
    config: WRONG,
  },
  migrate: {
    done: '表结构已是最新版本',
    unavailable: '现在无法连接数据库',
    later: '再试一次可能成功：磁盘已满、文件被占用',
    config: WRONG,
  },
  demo: {
    done: '按 Ctrl-C 结束；或者带 --exit 演示结束',
    refused: '演示没有按预期进行，或者其服务器无法启动',
  },
  members: { done: '成功；或者 --watch 被 Ctrl-C 结束', refused: ASKED },
  events: { done: '成功；或者 --follow 被 Ctrl-C 结束', refused: ASKED },
  doctor: {
    done: '没有问题，或者已全部修复',
    refused: ASKED,
    found: '发现问题，或者有问题须由人处理',
    stopped: '修复中途停止',
  },
  leave: { done: '成功', refused: ASKED, later: '已经移除，但 --wait 结束时还有成员没有采用新列表' },
  recover: { done: '成功', refused: NOT_CONFIRMED },
  delete: { done: '成功', refused: NOT_CONFIRMED },
  import: {
    done: '成功，或者无事可做',
    refused: NOT_CONFIRMED,
    later: '使用 --release 时，有成员仍是静态成员',
  },
  agent: {
    done: '按要求停止；带命令时为该命令自己的退出状态',
    later: '节点在 --gate-timeout 之内没有进入列表；或者下一次启动可能成功，例如端口被占用',
    config: '某个设置不可用，需要人来处理',
  },
  completion: { done: '成功', refused: '不支持的 shell' },
};
