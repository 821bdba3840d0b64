import JSONText

extension FieldReader {
    /// An ISO 4217 code of a currency that can be paid in.
    public func currency(_ name: String) -> String {
        code(name, "an ISO 4217 currency code, such as EUR") {
            CurrencyCode.minorUnitDigits(of: $0) != nil
        }
    }

    /// An ISO 3166-1 code of a country.
    public func country(_ name: String) -> String {
        code(name, "an ISO 3166-1 country code, such as DE", CountryCode.isAssigned)
    }

    /// A postcode as that country writes them; empty where addresses may do without and this does.
    ///
    /// For a country that is not one, nothing is said about its postcode: the country is at fault.
    public func postcode(_ name: String, in country: String) -> String {
        let rule = CountryCode.postcodes(in: country)
        if rule == .optional, isLeftOut(name) { return "" }
        let postcode = string(name, length: 1...20)
        if !postcode.isEmpty, CountryCode.isAssigned(country), !rule.allows(postcode) {
            report(name, "is not a postcode of \(country)" + (rule.form.map { ": \($0)" } ?? ""))
        }
        return postcode
    }

    private func code(
        _ name: String, _ kind: String, _ isKnown: (String) -> Bool
    ) -> String {
        required(name, kind) { value in
            guard case .string(let text) = value else { return wrong(name, "a string", value) }
            return isKnown(text) ? text : fault(name, "must be \(kind)")
        } ?? ""
    }
}
