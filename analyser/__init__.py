"""analyser: does this network let YSoft SafeQ 6 work, row by row of the vendor's port matrix?"""
