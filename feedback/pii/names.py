"""Names of people: a surname with a title, or a name after a label. The tables are what to extend."""

import re
from collections.abc import Iterator

from feedback.pii.rules import Rule

TITLES = "先生|女士|小姐|太太|师傅|老师|经理|医生|大夫|主任|店长|老板|教授|律师|护士|主管|教练|阿姨"


def _pairs(run: str) -> frozenset[str]:
    return frozenset(map("".join, zip(run[::2], run[1::2], strict=True)))


COMPOUND_SURNAMES = _pairs("欧阳司马上官诸葛皇甫尉迟公孙慕容令狐司徒长孙宇文端木夏侯独孤南宫轩辕呼延申屠完颜")
_SURNAMES = (
    "王李张刘陈杨赵黄吴徐孙胡朱郭罗梁宋郑韩唐冯董萧曹袁邓傅沈曾彭吕苏卢蒋蔡贾魏薛阎潘杜汪姚谭廖邹熊郝崔邱秦侯邵孟尹"
    "黎乔赖龚庞樊殷洪翟倪俞葛伍韦毕聂邢岳涂祁耿牟詹凌靳欧甄裴屈鲍覃霍翁隋甘柯阮桂闵柴冉辜饶刁瞿戚滕邬臧苟褚廉娄奚穆邸姬"
    "屠郜晏栾郁窦敖鄢仇巩仲虞卞竺冼佟匡巫桑荆谌岑胥蔺肖闫辛鲁林周马许姜陆陶莫贺孔柳"
)
# Also the last character of everyday words (对方, 押金, 任何, 由于 …): a name only after something that ends a phrase.
_WORDLIKE_SURNAMES = (
    "何高谢程叶余钟田范方石丁任金白康毛江史顾龙万段雷钱汤夏易常武文兰施安颜严温季章申尤焦齐梅庄左谷卜关苗纪盛童"
    "项曲成游阳席卫景薄包柏宁解华吉古池晋宫简燕郎蒙喻迟冷卓艾蓝井乐封官楚宗明沙伏时于贝代牛麦戴"
)
ANY_SURNAME = _SURNAMES + _WORDLIKE_SURNAMES

_TITLE = re.compile(
    rf"(?:{TITLES})(?!们|(?<=小姐)姐)(?!泡菜|牛肉|红烧|麻辣|火锅|烧烤|烤|酸菜|面馆|小吃|米粉|凉皮|烘焙|蛋糕|奶茶|家常|炸鸡|卤|鸭"
    r"|包子|饺子|拉面|小龙虾|私房|豆浆|串|厨|餐|饭店|加州)"
)
# Characters of given names that are seldom anything else between a surname and what follows it.
GIVEN_NAMES = frozenset(
    "伟芳娜秀敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰红梅鑫辉建国志文晓小婷雪琳佳慧宇浩俊峰鹏斌波飞龙凤莉燕玲萍颖倩洁欣怡雨"
    "梓涵子轩思雅诗梦瑶琪琴珍淑惠春秋云海山林森清晨阳星月天宏德胜利民永福祥瑞松青蓉蕾薇莹晶媛凯博智仁义忠良才立荣昌盛安宁乐友爱"
    "武雄豪健翔东元正恒远亮宝彬彤珊丹妮娇婉若曦菲蓓岚柔萌旭昊泽睿哲翰霖钰锋铭锐坤培嘉伦达祖光振兴洪"
)
# Never in a given name of two characters: function words, roles, food.
_NOT_GIVEN = frozenset(
    "的了是在不有没姓氏个位一些这那名们来去到说叫问让给和与跟很也都还就又把被对从为请找老大客服前台店长总副部门排装配送货快递外卖司机工程维"
    "修售后业务销理师员接待主任目户区房车楼营管护保你我他她先生女经教医助手能想要会可以吃喝买用做看上下里时候家每再鸡饭肉汤面菜鱼虾粉粥饼堡"
    "茶酒锅蛋瓜式味水牌级点份号半多少什么怎最更太真好新高校院学体科技公告电话两三几只所因但如果该本各另某别"
)
_PHRASE_END = frozenset("的是找叫给跟和与让位谢了被问见说员服售台哥机扬老小师傅生系士手业号向姓如科班海京州市院人友们")
# A surname character that ends another word: no name, whatever follows.
_NOT_A_NAME = _pairs(
    "紧张夸张开张慌张主张扩张嚣张一张两张三张几张每张国王女王大王霸王行李子孙上周下周"
    "每周一周两周本周第周这周二胡桥梁园林桂林吉林森林玉林北宋南宋荒唐师傅太傅不曾未曾"
    "咖喱巴黎也许或许允许兴许少许准许骑马宝马罗马木马人马河马立马斑马赛马登陆大陆着陆"
    "内陆生姜老姜大姜熏陶乐陶约莫祝贺恭贺毛孔面孔杨柳老成小于生于位于见于手机小时员时"
    "了时的时说时见时叫时让时小康手包小包小米的话人员员工手工机关的方让方给方了解说明"
    "问安的何如何人何和解生金手金业余谢谢感谢多谢致谢酬谢给钱了钱跟钱和平是关人文如常"
    "的高老高人均海关向阳海南海景人石业成是成生成科目号段的段人温手段号卡班席科席州江"
)
_SURNAME_PATTERN = f"(?:{'|'.join(sorted(COMPOUND_SURNAMES))}|[{ANY_SURNAME}])"
NAMING_RULES = (
    Rule(
        "姓名",
        r"(?:联系人|联络人|收件人|收货人|寄件人|发件人|签收人|经办人|户名|姓名|开户人)[ :是为]{0,3}"
        rf"(?P<value>{_SURNAME_PATTERN}[一-鿿]{{1,2}}?)(?=[^一-鿿]|$|电话|手机|地址|身份证|女|男)",
    ),
    Rule(
        "姓名",
        r"(?:我叫|名叫|本人|客服|服务员|店员|导购|快递员|骑手|技师|顾问)"
        rf"(?P<value>(?:[{_SURNAMES}]|[{_WORDLIKE_SURNAMES}](?=[{''.join(GIVEN_NAMES)}]{{2}}))[{''.join(GIVEN_NAMES)}]{{1,2}}?)"
        r"(?=[^一-鿿]|$|[是在来想要买的和住今电手很态服非真特超人热耐给帮说太为对也都让推])",
    ),
    Rule("姓名", rf"(?:我叫|名叫)(?P<value>[{_SURNAMES}][^\W{''.join(_NOT_GIVEN)}]{{2}})(?=[^一-鿿]|$)", needs="叫"),
    Rule("姓名", rf"姓(?<![百同]姓)(?P<value>[{ANY_SURNAME}])(?=[^一-鿿]|$|的)", needs="姓"),  # 我姓何, 免贵姓李
    Rule("姓名", rf"(?P<value>[{ANY_SURNAME}])姓的?(?:{TITLES}|[男女])", needs="姓"),  # 梁姓经理
)


def _ends_phrase(text: str, end: int) -> bool:
    return end == 0 or not "一" <= text[end - 1] <= "鿿" or text[end - 1] in _PHRASE_END


def _may_begin(text: str, start: int) -> bool:
    """Whether the surname at `start` is one where it stands, not the end of a word."""
    if text[max(0, start - 1) : start + 1] in _NOT_A_NAME:
        return False
    return text[start] in _SURNAMES or (text[start] in _WORDLIKE_SURNAMES and _ends_phrase(text, start))


def _is_full_name(text: str, start: int, end: int) -> bool:
    given = text[start + 1 : end]
    if GIVEN_NAMES.issuperset(given):
        return _may_begin(text, start)
    known = len(given) == 2 and text[start] in _SURNAMES and _NOT_GIVEN.isdisjoint(given)
    return known and _may_begin(text, start) and _ends_phrase(text, start)


def _name_before(text: str, end: int) -> int | None:
    """Where the name that ends at `end`, before a title, begins; None when no name stands there."""
    for start in (end - 3, end - 2):  # surname and given name, the longer first
        if start >= 0 and _is_full_name(text, start, end):
            return start
    if text[max(0, end - 2) : end] in COMPOUND_SURNAMES and text[max(0, end - 3) : end] != "公司马":
        return end - 2
    return end - 1 if end > 0 and _may_begin(text, end - 1) else None


def titled_name_spans(text: str) -> Iterator[tuple[int, int]]:
    done = 0
    for title in _TITLE.finditer(text):
        end = title.start()
        if text[end - 1 : end] == "老":  # 何老先生
            end -= 1
        start = _name_before(text, end)
        if start is not None and start >= done and text[start : title.end()] != "康师傅":
            done = end
            yield start, end
