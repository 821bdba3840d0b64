import PlainText

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The environment variables of this process, as twins of the options.
///
/// An option wins over its variable. A variable that is set but makes no sense is an error that
/// names it, never a silent default.
struct EnvironmentOptions {
    var variables: [String: String]

    static var ofThisProcess: Self { Self(variables: ProcessInfo.processInfo.environment) }

    func text(_ option: String?, _ variable: String) -> String? {
        option ?? variables[variable].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A TCP port from the option, the variable, or the default.
    func port(
        _ option: Int?, _ variable: String, default fallback: Int, highest: Int = 65_535
    ) throws(CommandFailure) -> Int {
        guard option == nil, let text = text(nil, variable) else {
            return try port(option ?? fallback, from: "--port", highest: highest)
        }
        guard let number = Int(text) else {
            throw CommandFailure(.usage, "\(variable) is “\(text)”, which is not a port number")
        }
        return try port(number, from: variable, highest: highest)
    }

    private func port(
        _ number: Int, from source: String, highest: Int
    ) throws(CommandFailure) -> Int {
        guard (1...highest).contains(number) else {
            throw CommandFailure(.usage, "\(source) is \(number), but must be 1 to \(highest)")
        }
        return number
    }

    /// Whole seconds, written `5` or `5s`, from the option or the variable; nil without either.
    func seconds(
        _ option: String?, _ variable: String, what: String, within range: ClosedRange<Int>,
        remedy: String
    ) throws(CommandFailure) -> Duration? {
        guard let text = text(option, variable) else { return nil }
        let digits = text.hasSuffix("s") ? text.dropLast() : text[...]
        guard let seconds = Int(digits), range.contains(seconds) else {
            throw CommandFailure(
                .usage,
                "\(what) is “\(text.prefix(80))”, but must be \(range.lowerBound) to "
                    + "\(range.upperBound) seconds",
                remedy: remedy)
        }
        return .seconds(seconds)
    }

    /// A whole number of seconds, minutes, hours or days, written `90`, `90s`, `15m`, `12h` or
    /// `7d`, from the option or the variable; nil without either.
    ///
    /// - Parameter range: in seconds.
    func time(
        _ option: String?, _ variable: String, what: String, within range: ClosedRange<Int>,
        remedy: String
    ) throws(CommandFailure) -> Duration? {
        guard let text = text(option, variable) else { return nil }
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        let unit = text.last.flatMap { units[$0] }
        let number = Int(unit == nil ? text[...] : text.dropLast())
        let product = number?.multipliedReportingOverflow(by: unit ?? 1)
        guard let product, !product.overflow, range.contains(product.partialValue) else {
            throw CommandFailure(
                .usage,
                "\(what) is “\(text.prefix(80))”, but must be \(range.lowerBound) to "
                    + "\(range.upperBound) seconds, written as 90s, 15m, 12h or 7d",
                remedy: remedy)
        }
        return .seconds(product.partialValue)
    }

    /// A whole number from the option or the variable; nil without either.
    func count(
        _ option: String?, _ variable: String, what: String, within range: ClosedRange<Int>,
        remedy: String
    ) throws(CommandFailure) -> Int? {
        guard let text = text(option, variable) else { return nil }
        guard let count = Int(text), range.contains(count) else {
            throw CommandFailure(
                .usage,
                "\(what) is “\(text.prefix(80))”, but must be \(range.lowerBound) to "
                    + "\(range.upperBound)",
                remedy: remedy)
        }
        return count
    }

    /// One of the named choices from the option, the variable, or the default.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ option: String?, _ variable: String, flag: String, default fallback: Choice
    ) throws(CommandFailure) -> Choice where Choice.RawValue == String {
        guard let text = text(option, variable) else { return fallback }
        if let choice = Choice(rawValue: text.lowercased()) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        let source = option == nil ? variable : flag
        throw CommandFailure(
            .usage, "\(source) is “\(text)”, but must be one of \(names.joined(separator: ", "))",
            remedy: Spelling.slip(text, of: names).map { "\(flag) \($0)" })
    }
}
