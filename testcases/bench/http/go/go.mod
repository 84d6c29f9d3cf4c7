module httpecho

go 1.19
