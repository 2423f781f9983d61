// The widget's texts in the three languages.

const WORDS = {
  en: {
    open: "Chat with us", close: "Close the chat", title: "Chat with us", assistant: "Assistant",
    hello: "Hi! Ask us anything: about a parcel, a bill or a power cut.",
    promise: "You get an answer in seconds, and a person whenever you ask for one.",
    name: "Your name (optional)", email: "Your e-mail (optional)",
    recognise: "With your e-mail we find your orders faster.",
    write: "Write a message", send: "Send", you: "You",
    bot: "You are talking to our assistant", waiting: "Waiting for a person",
    place: "You are number {n} in line", next: "You are next in line", about: "about {m} min",
    agent: "You are talking to {name}", someone: "a colleague",
    joined: "{name} has joined the chat", over: "This chat has ended", again: "Write to start a new one.",
    offline: "Connecting… Your messages are kept and will be sent.",
    typing: "{name} is writing", sources: "Source", sending: "Sending…", failed: "Not sent: {why}",
    rate: "How did we do?", stars: "{n} of 5 stars", thanks: "Thank you for your score!",
    end: "End chat", sure: "End this chat?", yes: "End it", no: "Go on", fresh: "{n} new messages",
  },
  zh: {
    open: "在线咨询", close: "关闭聊天", title: "在线咨询", assistant: "智能助手",
    hello: "您好！包裹、账单或停电问题，都可以问我们。",
    promise: "几秒内得到答复，需要人工时随时告诉我们。",
    name: "您的姓名（选填）", email: "您的邮箱（选填）",
    recognise: "填写邮箱，我们能更快找到您的订单。",
    write: "输入消息", send: "发送", you: "您",
    bot: "正在与智能助手对话", waiting: "正在等待人工客服",
    place: "您排在第 {n} 位", next: "马上就轮到您", about: "约 {m} 分钟",
    agent: "{name} 正在为您服务", someone: "客服人员",
    joined: "{name} 已加入对话", over: "本次对话已结束", again: "发送消息即可开始新的对话。",
    offline: "正在连接……您的消息已保存，稍后会自动发送。",
    typing: "{name} 正在输入", sources: "来源", sending: "发送中……", failed: "未发送：{why}",
    rate: "您对本次服务满意吗？", stars: "{n} 星（共 5 星）", thanks: "感谢您的评价！",
    end: "结束对话", sure: "确定结束对话吗？", yes: "结束", no: "继续", fresh: "{n} 条新消息",
  },
  lv: {
    open: "Sarakstīties", close: "Aizvērt saraksti", title: "Raksti mums", assistant: "Asistents",
    hello: "Sveiki! Jautājiet par sūtījumu, rēķinu vai strāvas padevi.",
    promise: "Atbilde pēc dažām sekundēm, un cilvēks, kad vien to vēlaties.",
    name: "Jūsu vārds (nav obligāti)", email: "Jūsu e-pasts (nav obligāti)",
    recognise: "Ar e-pastu jūsu pasūtījumus atradīsim ātrāk.",
    write: "Rakstiet ziņu", send: "Sūtīt", you: "Jūs",
    bot: "Jūs sarunājaties ar asistentu", waiting: "Gaidām darbinieku",
    place: "Jūs rindā esat {n}.", next: "Jūs esat nākamais rindā", about: "apm. {m} min",
    agent: "Jums palīdz {name}", someone: "kolēģis",
    joined: "{name} ir pievienojies sarakstei", over: "Sarakste ir beigusies", again: "Rakstiet, lai sāktu jaunu.",
    offline: "Savienojamies… Jūsu ziņas ir saglabātas un tiks nosūtītas.",
    typing: "{name} raksta", sources: "Avots", sending: "Sūta…", failed: "Nav nosūtīts: {why}",
    rate: "Kā mums veicās?", stars: "{n} no 5 zvaigznēm", thanks: "Paldies par vērtējumu!",
    end: "Beigt", sure: "Beigt saraksti?", yes: "Beigt", no: "Turpināt", fresh: "{n} jaunas ziņas",
  },
};

export function wordsFor(language) {
  const short = (language || document.documentElement.lang || navigator.language || "en").slice(0, 2);
  const chosen = WORDS[short] ? short : "en";
  const texts = WORDS[chosen];
  const say = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  return { language: chosen, say };
}
