"""Short forms that programmers write for words: whoever asks for the directory means `dir` too, and the reverse.

A list, not a rule: what shortens most words (cutting them off, dropping vowels) makes others of many. Knows no query.
"""

_GROUPS_TEXT = """addr address, alloc allocate allocation, arg argument, args arguments, arr array, attr attribute,
    async asynchronous asynchronously, auth authentication authenticate authorization, avg average, bg background,
    bin binary, bool boolean, buf buffer, calc calculate, cb callback, cert certificate, char character, chk check,
    cfg conf config configuration configure, cls class, cmd command, cmp compare comparison, cnt count, col column,
    concat concatenate, cond condition, conn connection, coord coordinate, ctx ctxt context, cur curr current,
    db database, decl declaration, decr decrement, del delete, dep dependency, desc description, dest dst destination,
    dev device, dict dictionary, diff difference, dim dimension, dir directory, dirs directories, dist distance,
    doc document documentation, dup duplicate, elem element, enc encode encoding, env environment, eq equal,
    err error, esc escape, eval evaluate, exc exception, exec execute, expr expression, ext extension, fd descriptor,
    fmt format, fn func function, freq frequency, gen generate, hdr header, hist history, id identifier, idx index,
    iface interface, img image, impl implementation, incr increment, info information, inst instance, int integer,
    init initialize initialise initialization, iter iterate iterator, lang language, len length, lib library,
    loc location, lvl level, max maximum, mem memory, mgr manager, min minimum, mod module, msg message,
    neg negative, net network, norm normalize, num nr number, obj object, op operation operator, opt option,
    opts options, orig original, param parameter, params parameters, perf performance, perm permission, pkg package,
    pos position, pred predicate, pref preference, prev previous, priv private, proc process, prop property,
    props properties, ptr pointer, pub public, pw pwd passwd password, rand random, rec record, rect rectangle,
    recv receive, ref reference, refs references, reg register, regex regexp, rel relative, repr representation,
    req request, res result resource, resp response, ret return, rm remove, sep separator, seq sequence,
    sess session, sig signature signal, sock socket, spec specification, src source, srv server, stat statistic,
    stats statistics, stmt statement, str string, sync synchronize, sys system, sz size, tbl table,
    temp tmp temporary, tok token, txt text, tz timezone, uid user, usr user, util utility, val value, var variable,
    vec vector, ver version, win window"""
_GROUPS = tuple(group.split() for group in _GROUPS_TEXT.split(","))
_SAME = {word: tuple(same for same in group if same != word) for group in _GROUPS for word in group}


def same_words(word: str) -> tuple[str, ...]:
    """Other spellings of a lower case word that mean the same, none for most words."""
    return _SAME.get(word, ())
