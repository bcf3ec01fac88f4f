#pragma once

#include <string_view>

namespace rondo::detail {

/// The style sheet of report.html. Colours meet a contrast of 4.5 on their background in both
/// schemes.
inline constexpr std::string_view kReportStyle = R"css(
:root{color-scheme:light dark;--paper:#fbfcfd;--card:#fff;--ink:#1b1f24;--soft:#57616b;--line:#dfe4e9;--grid:#e3e8ec;
--axis:#8a949e;--muted:#a3b0bd;--accent:#1f66c7;--s0:#1f66c7;--s1:#b4540a;--s2:#15784a;--s3:#7a3fc9;--s4:#b3245a;
--s5:#52606d;--good:#15784a;--bad:#b3245a;--warn:#fff4df;--warnline:#e0b24d}
@media (prefers-color-scheme:dark){:root{--paper:#12161b;--card:#1a2027;--ink:#e8edf2;--soft:#a5b1bd;--line:#2e3741;
--grid:#2a323b;--axis:#6f7c89;--muted:#5b6a79;--accent:#7db2ff;--s0:#7db2ff;--s1:#f2a25c;--s2:#5fcb96;--s3:#c3a2ff;
--s4:#ff8fb5;--s5:#a5b1bd;--good:#5fcb96;--bad:#ff8fb5;--warn:#33290f;--warnline:#8a6a1f}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
a{color:var(--accent)}
.skip{position:absolute;left:-999px}.skip:focus{left:12px;top:12px;background:var(--card);padding:8px 12px;z-index:1}
header,main,footer{max-width:1080px;margin:0 auto;padding:0 20px}
header{padding-top:36px}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 8px}
h2{font-size:1.25rem;margin:44px 0 12px;padding-top:4px}
h3{font-size:1rem;margin:0 0 8px}
.lead{font-size:1.08rem;max-width:70ch;margin:0 0 14px}
.note,figcaption,caption{color:var(--soft);font-size:.9rem}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:4px 18px;padding:0;margin:14px 0 0}
.badge{display:inline-block;border:1px solid var(--accent);color:var(--accent);border-radius:999px;padding:1px 11px;
font-size:.88rem;font-weight:600}
.warning{background:var(--warn);border:1px solid var(--warnline);border-radius:8px;padding:10px 14px;margin:10px 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin:0 0 16px}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,440px),1fr));gap:16px}
.grid .card{margin:0;min-width:0}
dl.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,140px),1fr));gap:14px 18px;margin:0}
dl.facts dt{color:var(--soft);font-size:.82rem}dl.facts dd{margin:0;font-weight:600;overflow-wrap:anywhere}
.scroll{overflow-x:auto}.scroll:focus-visible,summary:focus-visible,a:focus-visible{outline:2px solid var(--accent);
outline-offset:2px;border-radius:4px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;padding-bottom:6px}
th,td{text-align:left;padding:7px 22px 7px 0;border-bottom:1px solid var(--line);vertical-align:top}
thead th{color:var(--soft);font-weight:600;font-size:.88rem;white-space:nowrap}
tbody th{font-weight:500}
.num{text-align:right;white-space:nowrap}
tr.own th,tr.own td{font-weight:700}
.ci{color:var(--soft);font-weight:400;font-size:.88rem;white-space:nowrap}
.verdict{display:block;font-size:.82rem;font-weight:500;color:var(--soft)}
.better{color:var(--good)}.worse{color:var(--bad)}
figure{margin:0}svg.chart{width:100%;max-width:640px;height:auto;display:block}
details{margin-top:10px}summary{cursor:pointer;color:var(--accent);font-size:.9rem;width:max-content}
details .scroll{max-height:320px;overflow:auto;margin-top:8px}
pre{margin:8px 0 0;overflow-x:auto;font:13px/1.5 ui-monospace,monospace}
ol.items{margin:0;padding-left:1.4em}ol.items li{margin:4px 0}
footer{color:var(--soft);font-size:.86rem;padding:30px 20px 40px}
@media print{details{display:none}.card{break-inside:avoid}}
)css";

}  // namespace rondo::detail
