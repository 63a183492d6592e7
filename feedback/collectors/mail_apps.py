"""The lines that mail apps put below a mail: 发自我的 iPhone, 来自vivo手机邮件, Get Outlook for iOS.

Most are made of the same pieces: a word for "sent from", a maker or a mail service, and what of theirs it was: a phone, a mail app, an edition.
A maker alone makes no such line: parcels come 从小米商城, too. The tables are what to extend.
"""

import re

from feedback.collectors.mail_forms import LONGEST_MARK

# What is a device or a mail program by its name alone.
_PRODUCT = (
    r"(?:i ?phone|i ?pad|i ?pod|apple ?watch|mac(?:book)?|android|安卓|galaxy|black ?berry|windows|outlook|foxmail|gmail|thunderbird|spark|proton ?mail"
    r"|(?:网易|網易)?(?:邮箱大师|郵箱大師))"
)
# Who makes phones, and who runs a mail service: they do other things, too.
_MAKER = (
    r"(?:华为|華為|huawei|荣耀|榮耀|honor|小米|xiaomi|红米|紅米|redmi|mi(?![a-z])|poco|oppo|一加|oneplus|vivo|iqoo|三星|samsung|魅族|meizu|中兴|中興|zte|努比亚|nubia|联想|聯想|lenovo"
    r"|摩托罗拉|motorola|moto|realme|真我|诺基亚|諾基亞|nokia|索尼|sony|谷歌|google|pixel|苹果|蘋果|apple|华硕|華碩|asus|宏達電|htc|锤子|坚果|smartisan|酷派|coolpad|金立|gionee"
    r"|海信|hisense|黑鲨|红魔|lg(?![a-z]))"
)
_SERVICE = (
    r"(?:yahoo(?:奇摩)?|雅虎|网易|網易|netease|(?:中国移动|中國移動)?139|(?:中国电信|天翼)?189|(?:中国联通)?沃(?=邮箱)|163|126|yeah|qq|腾讯|騰訊|新浪|sina|搜狐|sohu"
    r"|阿里云?|aliyun|钉钉|釘釘|dingtalk|飞书|飛書|lark|企业微信|企業微信)"
)
_ANY = r"(?:手机|手機|移动|电脑|電腦|平板|邮箱|郵箱|客户端|mail)"
_DEVICE = rf"(?:{_PRODUCT}|{_MAKER}|{_SERVICE}|{_ANY}|mate|微信)"

_KIND = r"手机|手機|平板|移动|行動|触屏|电脑|電腦|桌面|网页|網頁|i ?phone|i ?pad|ios|android|安卓|windows|mac|pc|智能|适配|极速|極速|标准|精简|国际|专业|企业"
_EDITION = rf"(?:(?:{_KIND})\s*){{1,3}}版"
# "vivo手机", "OPPO Reno 手机邮件", "网易邮箱手机智能版", "139邮箱手机客户端"
_THING = (
    r"(?:(?:5g|智能|智慧型|全面屏|折叠屏)*(?:手机|手機|平板|电脑|電腦|设备|設備|裝置)"
    rf"|(?:电子|電子|安全)?(?:邮件|郵件|邮箱|郵箱|信箱)|客户端|用户端|用戶端|{_EDITION})"
)
_MODEL = r"[^一-鿿，。！？；]{0,20}"
_THEIRS = rf"(?:{_MAKER}|{_SERVICE}){_MODEL}(?:{_THING}\s*){{1,4}}"
_PROGRAM = rf"(?:{_MAKER}\s*)?{_PRODUCT}{_MODEL}(?:版\s*)?(?:{_THING}\s*){{0,4}}(?:应用(?:程序)?|應用程式)?"
_SENT = r"(?:发送|發送|傳送|发出|發出|寄出)(?:的邮件|的郵件)?"
_UNSAID = r"[^的了没沒不吗嗎，？！]"  # what an app's line goes on with: no sentence does without the others for long

_SENT_FROM = re.compile(
    r"[-—–_* |【\[]*(?:"
    r"(?:发送?自|發送?自|傳送自|寄自)\s*(?:"
    rf"我的\s*{_DEVICE}(?:{_UNSAID}|的(?:邮件|郵件)){{0,30}}|我的{_UNSAID}{{1,10}}(?:手机|手機|平板|邮箱|郵箱|客户端)"
    rf"|(?:{_PROGRAM}|{_THEIRS}|(?:{_SERVICE}|{_ANY}){_MODEL}(?:{_THING}\s*|{_PRODUCT}\s*|端\s*){{0,4}})(?:https?://\S+)?)"
    rf"|(?:来自|來自)\s*(?:我的\s*{_DEVICE}(?:(?![相照]){_UNSAID}){{0,20}}|{_THEIRS}"
    rf"|{_UNSAID}{{0,20}}(?:邮箱|郵箱|邮箱大师|手机版|客户端|iphone|ipad)(?:\s*(?:{_EDITION}|客户端|app|pro|plus|max|\d+))*)"
    rf"|(?:从|從|由|用|通过|透過|使用)\s*我的\s*{_DEVICE}.{{0,30}}{_SENT}"
    rf"|(?:从|從|由|通过|通過|透過|使用)\s*(?:{_PROGRAM}|{_EDITION}的?\s*{_THEIRS}|{_THEIRS})\s*{_SENT}"
    r"|(?:该|該|此|本)(?:邮件|郵件)(?:从|從|由)(?:移动|移動|行動)(?:设备|設備|裝置)(?:发送|發送|傳送)"
    rf"|自我的\s*{_DEVICE}{_MODEL}(?:{_THING}\s*)?(?:发送|發送|傳送)"
    rf"|sent from (?:my )?{_DEVICE}.{{0,60}}|sent from my \S+(?: \S+){{0,3}}"
    r"|sent (?:with|via) (?:the )?(?:proton ?mail|spark|yahoo|gmail|outlook|aol|mailbird|airmail|boxer|foxmail|netease|qq).{0,60}"
    r"|get outlook for (?:ios|android|windows|mac).{0,60}"
    r"|(?:获取|取得|下载|下載)\s*(?:(?:适用于|適用於)\s*(?:ios|android)\s*的\s*|(?:ios|android)\s*版\s*)?outlook\s*(?:for\s*)?(?:ios|android)?.{0,60}"
    r"|\|?\s*(?:【网易邮箱大师】|签名由\s*网易(?:邮箱大师|灵犀办公)\s*定制|signature is customized by netease mail master).{0,20}"
    r")\s*[。.!！)】\]]?\s*",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    rf"(?:(?:来自|來自|发自|發自)\s*(?:我的\s*)?{_DEVICE}{_MODEL}{_THING}?\s*的\s*)?(?:照片|相片|图片|圖片|视频|影片|附件|文件|截图|截圖)"
    rf"|(?:photos?|pictures?|images?|videos?) from (?:my )?{_DEVICE}{_MODEL}|(?:img|dsc|image|screenshot|mmexport|wx_camera)[-_ ]?[\d_-]+(?:\.\w{{3,4}})?",
    re.IGNORECASE,
)


def is_apps_subject(subject: str) -> bool:
    """Whether a phone wrote the subject, for what was handed to it.

    >>> is_apps_subject("来自 iPhone 的照片"), is_apps_subject("来自 iPhone 的照片很糊")
    (True, False)
    """
    return is_apps_own(subject) or bool(_SUBJECT.fullmatch(subject[:LONGEST_MARK].strip()))


def is_apps_own(line: str) -> bool:
    """Whether an app wrote the whole line, not the writer of the mail.

    >>> is_apps_own("从vivo手机发送"), is_apps_own("从vivo商城发出")
    (True, False)
    """
    return bool(_SENT_FROM.fullmatch(line[:LONGEST_MARK].strip()))
