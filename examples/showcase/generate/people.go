package main

import (
	"fmt"
	"strings"
)

// people returns the company: departments, a team for each system, and two or three people in each team.
func people() string {
	departments := [][2]string{{"customers", "Customers"}, {"operations", "Operations"}, {"finance", "Finance"}, {"technology", "Technology"}}
	teams := map[string][]system{}
	var members []string
	given := strings.Fields("Ada Bilal Chiara Daan Elif Femi Greta Hugo Ines Jonas Kaya Liv Malik Noor Oskar Priya Quentin Rosa Sven Tala Umar Vera Wim Xenia Yannick Zofia Aiko Bruno Celia Dario")
	family := strings.Fields("Abara Berg Castell Duval Eriksen Farkas Gallo Hoang Ibarra Jansen Kowal Lindt Moreau Nowak Okafor Petrov Quist Rossi Sato Tanaka Ulrich Vidal Weber Xu Yilmaz Zeman")
	n := 0
	for _, d := range domains() {
		for _, s := range d.systems {
			teams[d.department] = append(teams[d.department], s)
			for range 2 + n%2 {
				first, last := given[n%len(given)], family[(n*7+n/len(given))%len(family)]
				login := strings.ToLower(first + "." + last)
				members = append(members, document("User", login, "", "", nil, []string{
					fmt.Sprintf("profile: {displayName: %s %s, email: %s@kestrel.example}", first, last, login), "memberOf: [" + s.team() + "]",
				}))
				n++
			}
		}
	}
	all := []string{document("Group", "kestrel", "Kestrel Parcels", "The whole company. It began with one bicycle.", nil, []string{"type: organization", "children: [customers, operations, finance, technology]"})}
	for _, d := range departments {
		all = append(all, document("Group", d[0], d[1], "", nil, []string{"type: department", "parent: kestrel", "children: []"}))
		for _, s := range teams[d[0]] {
			all = append(all, document("Group", s.team(), "Team "+s.title, s.does, nil, []string{"type: team", "parent: " + d[0], "children: []"}))
		}
	}
	return descriptors(append(all, members...))
}
